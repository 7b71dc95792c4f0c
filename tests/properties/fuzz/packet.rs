//! Packets from the network: replies, ICMP errors and the requests that they quote.

use super::input::Input;
use meshping::probe::wire::{self, HEADER, Packet, RequestToken, TokenKey};
use meshping::probe::{RejectReason, TargetId};
use meshping::target::Family;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Any bytes are read without a panic, and none that the key did not make counts as a reply. A request that is
/// echoed or quoted is recognised, and no longer when a bit of it has changed.
pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mode = input.byte();
    let request = Request::read(&mut input);
    match mode % 4 {
        0 => request.check_foreign(input.rest()),
        1 => request.check_echo(&mut input),
        2 => request.check_quotation(&mut input),
        _ => request.check_quotation_in_ipv6_extensions(&mut input),
    }
}

const KEY: TokenKey = TokenKey::new([7; 16]);

/// A request of ours.
struct Request {
    address: IpAddr,
    ident: u16,
    token: RequestToken,
    message: Vec<u8>,
}

impl Request {
    fn read(input: &mut Input<'_>) -> Self {
        let address = if input.byte().is_multiple_of(2) {
            Ipv4Addr::from(input.u32()).into()
        } else {
            Ipv6Addr::from((u128::from(input.u32()) << 96) | u128::from(input.u32())).into()
        };
        let ident = input.u16();
        let target = TargetId { index: input.u32(), generation: input.byte().into() };
        let token = RequestToken { target, number: input.u32() };
        let mut message = vec![0; HEADER + 16 + usize::from(input.u16() % 2_000)];
        wire::write_request(&KEY, address, ident, token, &mut message);
        Self { address, ident, token, message }
    }

    fn family(&self) -> Family {
        if self.address.is_ipv4() { Family::V4 } else { Family::V6 }
    }

    /// What the engine does: it looks the target up by its index, then verifies the reply.
    fn verify(&self, message: &[u8]) -> Option<Result<u32, RejectReason>> {
        let Ok(Packet::Reply(reply)) = wire::read_message(self.family(), message) else { return None };
        if reply.index() != Some(self.token.target.index) {
            return Some(Err(RejectReason::Forged));
        }
        let size = self.message.len() - HEADER;
        Some(reply.verify(&KEY, self.address, self.token.target, size))
    }

    fn check_foreign(&self, packet: &[u8]) {
        for family in [Family::V4, Family::V6] {
            let _ = wire::read_message(family, packet);
        }
        if let Ok((Packet::Error(quote), _)) = wire::read_ipv4(packet) {
            assert!(quote.destination.is_ipv4());
        }
        if let Some(Ok(number)) = self.verify(packet) {
            let mut request = vec![0; packet.len()];
            let token = RequestToken { number, ..self.token };
            wire::write_request(&KEY, self.address, 0, token, &mut request);
            assert_eq!(request[HEADER..], packet[HEADER..], "a reply that is not ours");
        }
    }

    /// What a host answers.
    fn echo(&self) -> Vec<u8> {
        let mut reply = self.message.clone();
        reply[0] = if self.address.is_ipv4() { 0 } else { 129 };
        reply
    }

    fn check_echo(&self, input: &mut Input<'_>) {
        let mut reply = self.echo();
        assert_eq!(self.verify(&reply), Some(Ok(self.token.number)));
        // The sequence number and the payload: neither may change, nor may the length.
        let place = HEADER - 2 + usize::from(input.u16()) % (reply.len() - HEADER + 2);
        reply[place] ^= 1 << (input.byte() % 8);
        assert!(self.verify(&reply).is_some_and(|result| result.is_err()), "byte {place} has changed");
        let cut = HEADER + usize::from(input.u16()) % (self.message.len() - HEADER);
        assert!(self.verify(&self.echo()[..cut]).is_some_and(|result| result.is_err()), "cut to {cut}");
        let longer = [self.echo().as_slice(), &[input.byte()]].concat();
        assert!(self.verify(&longer).is_some_and(|result| result.is_err()), "a byte more");
    }

    /// The IP packet with the request, with IPv4 options or IPv6 extension headers in front of the message.
    fn packet(&self, input: &mut Input<'_>, extensions: usize) -> Vec<u8> {
        match self.address {
            IpAddr::V4(address) => {
                let options = usize::from(input.byte() % 11) * 4;
                let mut packet = vec![0; 20 + options];
                packet[0] = 0x40 | u8::try_from(packet.len() / 4).unwrap_or(0);
                packet[9] = 1;
                packet[16..20].copy_from_slice(&address.octets());
                [packet, self.message.clone()].concat()
            }
            IpAddr::V6(address) => {
                let mut packet = vec![0; 40];
                packet[0] = 0x60;
                packet[24..40].copy_from_slice(&address.octets());
                let kinds: Vec<u8> =
                    (0..extensions).map(|_| [0, 43, 44, 51, 60][usize::from(input.byte() % 5)]).collect();
                packet[6] = kinds.first().copied().unwrap_or(58);
                for (index, kind) in kinds.iter().enumerate() {
                    let next = kinds.get(index + 1).copied().unwrap_or(58);
                    let length = input.byte() % 4;
                    let bytes = match kind {
                        44 => 8,
                        51 => (usize::from(length) + 2) * 4,
                        _ => (usize::from(length) + 1) * 8,
                    };
                    let mut header = vec![0; bytes];
                    header[..2].copy_from_slice(&[next, length]);
                    packet.extend(header);
                }
                [packet, self.message.clone()].concat()
            }
        }
    }

    /// An error that quotes the request, cut by the router, is about this request if 8 bytes of it are left.
    fn check_quoted(&self, quoted: &[u8], input: &mut Input<'_>) {
        let header = quoted.len() - self.message.len();
        let cut = usize::from(input.u16()) % (quoted.len() + 1);
        let (kind, code) = if self.address.is_ipv4() { (3, 1) } else { (1, 3) };
        let error = [&[kind, code, 0, 0, 0, 0, 0, 0], &quoted[..cut]].concat();
        match wire::read_message(self.family(), &error) {
            Ok(Packet::Error(quote)) => {
                assert!(cut >= header + 8, "only {cut} bytes of it");
                assert_eq!((quote.destination, quote.ident), (self.address, self.ident));
                assert_eq!(quote.sequence, wire::sequence(self.token.number));
            }
            Err(RejectReason::Malformed) => assert!(cut < header + 8, "{cut} bytes of it"),
            other => unreachable!("{other:?} for {cut} bytes"),
        }
    }

    fn check_quotation(&self, input: &mut Input<'_>) {
        let quoted = self.packet(input, 0);
        self.check_quoted(&quoted, input);
    }

    fn check_quotation_in_ipv6_extensions(&self, input: &mut Input<'_>) {
        let extensions = usize::from(input.byte() % 8);
        let quoted = self.packet(input, extensions);
        self.check_quoted(&quoted, input);
    }
}
