//! The identifiers of an engine's threads, and the filter by which the kernel sorts their packets.
//!
//! A raw socket receives every ICMP packet of the host. With several threads each has its own identifier, and a classic
//! BPF program (socket(7)) passes only packets with that one; the first thread also gets packets with other
//! identifiers, so that every foreign packet is counted once. A single thread needs no filter.

use crate::target::Family;
use libc::{
    BPF_ABS, BPF_ADD, BPF_ALU, BPF_AND, BPF_B, BPF_H, BPF_IND, BPF_JEQ, BPF_JGE, BPF_JGT, BPF_JMP, BPF_K,
    BPF_LD, BPF_LDX, BPF_LEN, BPF_LSH, BPF_MISC, BPF_MSH, BPF_RET, BPF_TAX, BPF_W, BPF_X,
};
use socket2::SockFilter;

/// The index of a thread, and the identifiers of all threads, which are consecutive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Idents {
    first: u16,
    count: u16,
    index: u16,
}

impl Idents {
    /// The identifiers of `count` threads, from random bits.
    pub fn new(random: u16, count: u16) -> Self {
        Self { first: random.min(u16::MAX - count), count, index: 0 }
    }

    /// The same for the thread with this index.
    #[must_use]
    pub const fn of_thread(self, index: u16) -> Self {
        Self { index, ..self }
    }

    /// The identifier of this thread.
    pub const fn own(self) -> u16 {
        self.first + self.index
    }

    /// The program that passes the packets of this thread; `None` if there is only one thread.
    pub fn filter(self, family: Family) -> Option<Vec<SockFilter>> {
        let load = match family {
            Family::V4 => &LOAD_V4[..],
            Family::V6 => &LOAD_V6[..],
        };
        let program = load
            .iter()
            .copied()
            .chain(self.decide())
            .map(|(code, jt, jf, k)| SockFilter::new(code, jt, jf, k));
        (self.count > 1).then(|| program.collect())
    }

    /// Instructions that keep or drop a packet, after the identifier was loaded.
    fn decide(self) -> Vec<Instruction> {
        let own = u32::from(self.own());
        let others_end = u32::from(self.first + self.count - 1);
        if self.index > 0 {
            vec![jump(BPF_JEQ, own, 0, 1), KEEP, DROP]
        } else {
            vec![jump(BPF_JGE, own + 1, 0, 1), jump(BPF_JGT, others_end, 0, 1), KEEP, DROP]
        }
    }
}

type Instruction = (u16, u8, u8, u32);

const KEEP: Instruction = (code(BPF_RET | BPF_K), 0, 0, u32::MAX);
const DROP: Instruction = (code(BPF_RET | BPF_K), 0, 0, 0);

/// An IPv4 packet with its header. A reply has its identifier 4 bytes into its ICMP header; an error quotes our IP
/// header 8 bytes into its own, and the identifier lies 4 bytes behind that. A packet that is too short for the
/// quotation is kept, so that it is counted.
const LOAD_V4: [Instruction; 14] = [
    (code(BPF_LDX | BPF_B | BPF_MSH), 0, 0, 0),
    (code(BPF_LD | BPF_B | BPF_IND), 0, 0, 0),
    jump(BPF_JEQ, 0, 0, 2),
    (code(BPF_LD | BPF_H | BPF_IND), 0, 0, 4),
    jump_always(9),
    (code(BPF_LD | BPF_W | BPF_LEN), 0, 0, 0),
    jump(BPF_JGE, 20 + 8 + 20 + 8, 1, 0),
    KEEP,
    (code(BPF_LD | BPF_B | BPF_IND), 0, 0, 8),
    (code(BPF_ALU | BPF_AND | BPF_K), 0, 0, 0x0f),
    (code(BPF_ALU | BPF_LSH | BPF_K), 0, 0, 2),
    (code(BPF_ALU | BPF_ADD | BPF_X), 0, 0, 0),
    (code(BPF_MISC | BPF_TAX), 0, 0, 0),
    (code(BPF_LD | BPF_H | BPF_IND), 0, 0, 8 + 4),
];

/// An ICMPv6 message without the IP header. All threads keep errors that quote extension headers, or too little.
const LOAD_V6: [Instruction; 10] = [
    (code(BPF_LD | BPF_B | BPF_ABS), 0, 0, 0),
    jump(BPF_JEQ, 129, 5, 0),
    (code(BPF_LD | BPF_W | BPF_LEN), 0, 0, 0),
    jump(BPF_JGE, 8 + 40 + 8, 0, 2),
    (code(BPF_LD | BPF_B | BPF_ABS), 0, 0, 8 + 6),
    jump(BPF_JEQ, 58, 3, 0),
    KEEP,
    (code(BPF_LD | BPF_H | BPF_ABS), 0, 0, 4),
    jump_always(1),
    (code(BPF_LD | BPF_H | BPF_ABS), 0, 0, 8 + 40 + 4),
];

#[expect(clippy::cast_possible_truncation, reason = "codes have 16 bits")]
const fn code(bits: u32) -> u16 {
    bits as u16
}

const fn jump(test: u32, against: u32, yes: u8, no: u8) -> Instruction {
    (code(BPF_JMP | test | BPF_K), yes, no, against)
}

const fn jump_always(over: u32) -> Instruction {
    (code(BPF_JMP | libc::BPF_JA), 0, 0, over)
}
