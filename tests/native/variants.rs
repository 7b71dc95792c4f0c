//! Targets of one host side by side, on both kinds of sockets.

use crate::daemon::{Daemon, NONE, Start};
use crate::side_by_side;
use crate::sim::behaviour::{at, code};
use crate::sim::in_namespace;
use crate::sim::network::sysctl;
use meshping::target::Family::V4;
use serde_json::json;
use std::time::Duration;

#[test]
fn nothing_of_one_variant_counts_for_another_on_raw_sockets() {
    in_namespace(|network| side_by_side::check(&Daemon::start(&["-t", "0.5"]), network, true));
}

#[test]
fn nothing_of_one_variant_counts_for_another_on_datagram_sockets() {
    in_namespace(|network| {
        sysctl("net/ipv4/ping_group_range", "0 0");
        let daemon = Start { setpriv: &NONE, arguments: &["-t", "0.5"], ..Start::default() }.daemon();
        assert_eq!(daemon.metrics().label("meshping_engine_info", "socket"), Some("dgram"));
        side_by_side::check(&daemon, network, true);
    });
}

#[test]
fn metrics_bear_the_variant_and_remove_by_the_bare_address_means_all() {
    in_namespace(|network| {
        let daemon = Daemon::start(&[]);
        let host = at(V4, code::DELAY_MS, 5, 1);
        for variant in ["", "wan2"] {
            let request = json!({"cmd": "add", "addr": host, "name": "n", "variant": variant, "itv": 0.1});
            assert_eq!(daemon.ask(&request), json!({"status": "ok"}));
        }
        network.wait_until("replies of both", Duration::from_secs(10), |_| {
            let rows = daemon.ask(&json!({"cmd": "list", "name": "n"}));
            let keys = [host.to_string(), format!("{host}#wan2")];
            keys.iter().all(|key| rows[key]["recv"].as_u64() > Some(2))
        });
        let metrics = daemon.metrics();
        let target = host.to_string();
        let of = |labels: &[(&str, &str)]| metrics.sum("meshping_replies_total", labels);
        let wan2 = of(&[("target", &target), ("variant", "wan2")]);
        assert!(wan2 > 2.0 && of(&[("target", &target)]) > wan2 + 2.0);
        let bins = |addr: &str| daemon.ask(&json!({"cmd": "histogram", "addr": addr}));
        assert_ne!(bins(&format!("{host}#wan2")), json!({}));
        assert_eq!(bins(&format!("{host}#wan3")), json!({}));
        daemon.ask(&json!({"cmd": "reset", "addr": format!("{host}#wan2")}));
        let rows = daemon.ask(&json!({"cmd": "list", "addr": host}));
        assert!(rows[&target]["recv"].as_u64() > Some(2), "only the variant is reset: {rows}");
        assert_eq!(daemon.ask(&json!({"cmd": "remove", "addr": host})), json!({"status": "ok"}));
        assert_eq!(daemon.ask(&json!({"cmd": "list"})), json!({}));
    });
}
