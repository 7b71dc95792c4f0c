use super::*;
use crate::measure::ErrorClass;
use proptest::prelude::*;

const KEY: TokenKey = TokenKey::new([7; 16]);
const PORT: TargetId = TargetId { index: 41, generation: 3 };
const V4: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
const V6: IpAddr = IpAddr::V6(std::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));

const MESSAGE: usize = HEADER + PAYLOAD;

fn request(address: IpAddr, number: u32) -> [u8; MESSAGE] {
    let mut message = [0xff; MESSAGE];
    write_request(&KEY, address, 0xbeef, RequestToken { target: PORT, number }, &mut message);
    message
}

/// The reply that a host of that family makes of a request.
fn reply(address: IpAddr, number: u32) -> [u8; MESSAGE] {
    let mut message = request(address, number);
    message[0] = if address.is_ipv4() { ECHO_REPLY_V4 } else { ECHO_REPLY_V6 };
    message
}

fn verify(family: Family, message: &[u8], address: IpAddr, target: TargetId) -> Result<u32, RejectReason> {
    match read_message(family, message)? {
        Packet::Reply(reply) => reply.verify(&KEY, address, target, PAYLOAD),
        other => panic!("{other:?}"),
    }
}

fn ipv4(options: usize, protocol: u8, destination: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let header = 20 + options;
    let mut packet = vec![0; header];
    packet[0] = 0x40 | u8::try_from(header / 4).unwrap();
    packet[2..4].copy_from_slice(&u16::try_from(header + payload.len()).unwrap().to_be_bytes());
    packet[8] = 57;
    packet[9] = protocol;
    packet[16..20].copy_from_slice(&destination);
    packet.extend_from_slice(payload);
    packet
}

fn with_checksum(mut message: Vec<u8>) -> Vec<u8> {
    message[2..4].fill(0);
    let sum = checksum(&message);
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    message
}

#[test]
fn a_reply_counts_only_if_address_sequence_token_and_pattern_fit() {
    for (family, address, other) in [(Family::V4, V4, V6), (Family::V6, V6, V4)] {
        let number = 0x0001_fffe;
        let good = reply(address, number);
        assert_eq!(verify(family, &good, address, PORT), Ok(number));
        assert_eq!(verify(family, &good, other, PORT), Err(RejectReason::Forged), "another address");
        let again = TargetId { generation: 4, ..PORT };
        assert_eq!(verify(family, &good, address, again), Err(RejectReason::Forged), "an index used again");
        for (byte, reason) in [
            (7, RejectReason::Forged),
            (15, RejectReason::Forged),
            (20, RejectReason::Forged),
            (60, RejectReason::Corrupt),
        ] {
            let mut changed = good;
            changed[byte] ^= 0x10;
            assert_eq!(verify(family, &changed, address, PORT), Err(reason), "byte {byte}");
        }
        assert_eq!(verify(family, &good[..MESSAGE - 1], address, PORT), Err(RejectReason::Malformed));
    }
}

#[test]
fn a_reply_of_any_size_counts_as_long_as_it_is_whole() {
    for (family, address) in [(Family::V4, V4), (Family::V6, V6)] {
        for size in [16, 17, 23, 24, 56, 57, 1_000, 1_473, 65_507] {
            let mut message = vec![0xff; HEADER + size];
            write_request(&KEY, address, 0xbeef, RequestToken { target: PORT, number: 7 }, &mut message);
            message[0] = if address.is_ipv4() { ECHO_REPLY_V4 } else { ECHO_REPLY_V6 };
            let case = format!("{family:?}, {size} bytes");
            // The size of the moment is another one: it was changed while this request was on its way.
            assert_eq!(verify(family, &message, address, PORT), Ok(7), "{case}");
            for cut in [HEADER, HEADER + 15, HEADER + size - 1] {
                let shorter = verify(family, &message[..cut], address, PORT);
                assert!(
                    matches!(shorter, Err(RejectReason::Malformed | RejectReason::Forged)),
                    "{case}: {shorter:?}"
                );
            }
            let longer = [&message[..], &[0]].concat();
            assert!(verify(family, &longer, address, PORT).is_err(), "{case}");
            for byte in [HEADER + 16, HEADER + size / 2 + 8, HEADER + size - 1] {
                if byte >= HEADER + 16 && byte < HEADER + size {
                    let mut changed = message.clone();
                    changed[byte] ^= 1;
                    assert_eq!(verify(family, &changed, address, PORT), Err(RejectReason::Corrupt), "{case}");
                }
            }
        }
    }
}

#[test]
fn an_ipv4_packet_must_have_a_right_checksum_and_lengths() {
    let message = with_checksum(reply(V4, 5).to_vec());
    let packet = ipv4(0, 1, [127, 0, 0, 1], &message);
    let (read, ttl) = read_ipv4(&packet).unwrap();
    assert!(matches!(read, Packet::Reply(Reply { ident: 0xbeef, sequence: 5, .. })));
    assert_eq!(ttl, 57);
    assert!(read_ipv4(&ipv4(8, 1, [127, 0, 0, 1], &message)).is_ok(), "with IP options");
    let mut padded = packet.clone();
    padded.extend_from_slice(&[9; 6]);
    assert!(read_ipv4(&padded).is_ok(), "link-layer padding is not part of the packet");
    let mut wrong = packet.clone();
    wrong[40] ^= 1;
    assert_eq!(read_ipv4(&wrong), Err(RejectReason::Corrupt));
    for cut in [0, 1, 19, 27, packet.len() - 1] {
        assert_eq!(read_ipv4(&packet[..cut]), Err(RejectReason::Malformed), "cut to {cut}");
    }
}

#[test]
fn errors_are_classified_as_the_rfcs_name_them() {
    let cases = [
        (Family::V4, 3, 0, Some(ErrorClass::NetUnreachable)),
        (Family::V4, 3, 1, Some(ErrorClass::HostUnreachable)),
        (Family::V4, 3, 2, Some(ErrorClass::ProtocolUnreachable)),
        (Family::V4, 3, 3, Some(ErrorClass::PortUnreachable)),
        (Family::V4, 3, 4, Some(ErrorClass::FragNeeded)),
        (Family::V4, 3, 5, Some(ErrorClass::SourceRouteFailed)),
        (Family::V4, 3, 13, Some(ErrorClass::AdminProhibited)),
        (Family::V4, 3, 99, Some(ErrorClass::Other)),
        (Family::V4, 11, 0, Some(ErrorClass::TtlExceeded)),
        (Family::V4, 11, 1, Some(ErrorClass::ReassemblyTimeout)),
        (Family::V4, 12, 0, Some(ErrorClass::ParameterProblem)),
        (Family::V4, 4, 0, None),
        (Family::V4, 5, 1, None),
        (Family::V4, 8, 0, None),
        (Family::V6, 1, 0, Some(ErrorClass::NetUnreachable)),
        (Family::V6, 1, 1, Some(ErrorClass::AdminProhibited)),
        (Family::V6, 1, 2, Some(ErrorClass::BeyondScope)),
        (Family::V6, 1, 3, Some(ErrorClass::HostUnreachable)),
        (Family::V6, 1, 4, Some(ErrorClass::PortUnreachable)),
        (Family::V6, 1, 5, Some(ErrorClass::AdminProhibited)),
        (Family::V6, 2, 0, Some(ErrorClass::FragNeeded)),
        (Family::V6, 3, 0, Some(ErrorClass::TtlExceeded)),
        (Family::V6, 4, 1, Some(ErrorClass::ParameterProblem)),
        (Family::V6, 100, 0, Some(ErrorClass::Other)),
        (Family::V6, 137, 0, None),
    ];
    for (family, kind, code, class) in cases {
        assert_eq!(classify(family, kind, code), class, "{family:?} {kind} {code}");
    }
}

#[test]
fn an_error_names_the_request_that_it_quotes() {
    let ours = request(V4, 0x1234_0007);
    for (case, quoted) in [
        ("whole", ipv4(0, 1, [192, 0, 2, 1], &ours)),
        ("eight bytes", ipv4(0, 1, [192, 0, 2, 1], &ours[..8])),
        ("with IP options", ipv4(12, 1, [192, 0, 2, 1], &ours[..8])),
    ] {
        let mut message = vec![3, 1, 0, 0, 0, 0, 0, 0];
        message.extend_from_slice(&quoted);
        let quote = Quote {
            destination: V4,
            ident: 0xbeef,
            sequence: 7,
            index: (case == "whole").then_some(PORT.index),
            class: ErrorClass::HostUnreachable,
            code: 1,
        };
        assert_eq!(read_message(Family::V4, &message), Ok(Packet::Error(quote)), "{case}");
        assert_eq!(
            read_message(Family::V4, &message[..message.len().min(8 + 20 + 7)]),
            Err(RejectReason::Malformed)
        );
    }
    let mut udp = vec![3, 3, 0, 0, 0, 0, 0, 0];
    udp.extend_from_slice(&ipv4(0, 17, [192, 0, 2, 1], &ours[..8]));
    assert_eq!(read_message(Family::V4, &udp), Err(RejectReason::NotOurs));
}

#[test]
fn an_ipv6_error_may_quote_extension_headers() {
    let ours = request(V6, 9);
    let chains: [(&str, u8, Vec<u8>); 4] = [
        ("none", 58, vec![]),
        ("hop by hop", 0, vec![58, 0, 0, 0, 0, 0, 0, 0]),
        (
            "destination options and a first fragment",
            60,
            [[44, 0, 0, 0, 0, 0, 0, 0], [58, 0, 0, 1, 0, 0, 0, 9]].concat(),
        ),
        ("authentication", 51, vec![58, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    ];
    for (case, next, extensions) in chains {
        let mut message = vec![1, 3, 0, 0, 0, 0, 0, 0, 0x60, 0, 0, 0, 0, 72, next, 64];
        message.extend_from_slice(&[0; 16]);
        message.extend_from_slice(&match V6 {
            IpAddr::V6(v6) => v6.octets(),
            IpAddr::V4(_) => unreachable!(),
        });
        message.extend_from_slice(&extensions);
        message.extend_from_slice(&ours[..8]);
        match read_message(Family::V6, &message) {
            Ok(Packet::Error(quote)) => assert_eq!((quote.destination, quote.sequence), (V6, 9), "{case}"),
            other => panic!("{case}: {other:?}"),
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_parsers_panic_or_believe(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_ipv4(&bytes);
        for family in [Family::V4, Family::V6] {
            if let Ok(Packet::Reply(reply)) = read_message(family, &bytes) {
                reply.index();
                prop_assert!(reply.verify(&KEY, V4, PORT, PAYLOAD).is_err());
            }
        }
    }

    /// Two targets of one address have requests of the same number, and each reply belongs to one of them.
    #[test]
    fn a_reply_of_one_target_of_an_address_is_none_of_another(
        index in 0_u32..4, generation in 0_u32..4, number in any::<u32>(), size in 16_usize..80, v6 in any::<bool>(),
    ) {
        let address = if v6 { V6 } else { V4 };
        let target = TargetId { index, generation };
        let mut message = vec![0; HEADER + size];
        write_request(&KEY, address, 7, RequestToken { target, number }, &mut message);
        let payload = message[HEADER..].to_vec();
        let reply = Reply { ident: 7, sequence: sequence(number), payload: &payload };
        prop_assert_eq!(reply.verify(&KEY, address, target, size), Ok(number));
        for (other_index, other_generation) in (0..4).flat_map(|a| (0..4).map(move |b| (a, b))) {
            let other = TargetId { index: other_index, generation: other_generation };
            prop_assert_eq!(reply.verify(&KEY, address, other, size).is_ok(), other == target);
        }
    }

    #[test]
    fn no_quotation_makes_the_parsers_panic(
        kind in prop::sample::select(vec![1_u8, 2, 3, 4, 11, 12]),
        code in 0..16_u8,
        first in prop::sample::select(vec![0x45_u8, 0x4f, 0x60, 0x40, 0]),
        mut rest in prop::collection::vec(prop::sample::select(vec![0_u8, 1, 8, 43, 44, 51, 58, 60, 128, 255]), 0..120),
    ) {
        if let Some(byte) = rest.first_mut() {
            *byte = first;
        }
        let mut message = vec![kind, code, 0, 0, 0, 0, 0, 0];
        message.extend_from_slice(&rest);
        let _ = read_message(Family::V4, &message);
        let _ = read_message(Family::V6, &message);
    }
}
