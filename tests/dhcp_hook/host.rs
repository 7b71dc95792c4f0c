//! A host with a network namespace of its own at the other end of the cable, and a real dhclient.

use super::own_network::Running;
use super::program;
use super::server::copied;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// What dhclient has the system do: no more than the address.
const SCRIPT: &str = r#"#!/bin/sh
PATH=/usr/sbin:/usr/bin:/sbin:/bin
case $reason in
PREINIT) ip link set "$interface" up ;;
BOUND | RENEW | REBIND | REBOOT) ip address replace "$new_ip_address/24" dev "$interface" ;;
EXPIRE | FAIL | RELEASE | STOP) ip address flush dev "$interface" ;;
esac
"#;

const CONFIG: &str = r#"
    send host-name "printer";
    request subnet-mask;
    initial-delay 0; initial-interval 1; backoff-cutoff 1; retry 1; timeout 10; select-timeout 0;
"#;

/// A host that v1 belongs to.
pub struct Host<'a> {
    namespace: Running,
    directory: &'a Path,
}

impl<'a> Host<'a> {
    /// The files of its dhclient are in that directory.
    pub fn new(directory: &'a Path) -> Self {
        let mut child = Command::new("unshare")
            .args(["-n", "sh", "-c", "ip link set lo up && echo ready && exec sleep 600"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare runs");
        let mut line = String::new();
        let output = child.stdout.take().expect("it is piped");
        BufReader::new(output).read_line(&mut line).expect("a line");
        assert_eq!(line, "ready\n");
        let moved = Command::new("ip").args(["link", "set", "v1", "netns", &child.id().to_string()]).status();
        assert!(moved.expect("ip runs").success());
        fs::write(directory.join("script"), SCRIPT).expect("writable");
        fs::write(directory.join("dhclient.conf"), CONFIG).expect("writable");
        fs::write(directory.join("dhclient.leases"), "").expect("writable");
        copied(&program("dhclient", "DHCLIENT", "isc-dhcp-client"), directory);
        let executable = Command::new("chmod").arg("755").arg(directory.join("script")).status();
        assert!(executable.expect("chmod runs").success());
        Self { namespace: Running(child), directory }
    }

    /// A dhclient that asks for an address and keeps it. When it ends, it ends without a word to the server.
    pub fn ask_for_an_address(&self) -> Running {
        Running(self.dhclient("-d").spawn().expect("dhclient runs"))
    }

    /// Has the dhclient end, and give its address back.
    pub fn release(&self) {
        assert!(self.dhclient("-r").status().expect("dhclient runs").success());
    }

    fn dhclient(&self, option: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["-n", "-t", &self.namespace.0.id().to_string()]);
        command.arg(self.directory.join("dhclient")).args(["-4", option]);
        command.args(["-cf", "dhclient.conf", "-lf", "dhclient.leases", "-pf", "dhclient.pid"]);
        command.arg("-sf").arg(self.directory.join("script")).arg("v1");
        let log = fs::File::options().create(true).append(true).open(self.directory.join("dhclient.log"));
        command.current_dir(self.directory).stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(log.expect("writable"));
        command
    }
}
