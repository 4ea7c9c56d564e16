//! Which machines `LOAD CSV` may read from.
//! Leaves the connecting to `line`.
//! Start reading at [`Hosts::allow`].

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The machines that `LOAD CSV` may read from, as an administrator lists them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hosts(Vec<Entry>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    /// Every address of the public network.
    Public,
    /// One name, wherever it leads, link-local addresses left out.
    Name(String),
    /// Every name below this one.
    Below(String),
    /// Addresses whose first bits are these.
    Range { address: IpAddr, bits: u8 },
}

/// Why a list of hosts cannot be read. Correct the entry that it names.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{entry}\" is no host. Write off, or a list of public, names such as data.example.com or *.example.com, \
     and addresses such as 10.1.0.0/16 or 127.0.0.1."
)]
pub struct HostsError {
    entry: String,
}

impl Hosts {
    /// The word for every address of the public network.
    pub const PUBLIC: &'static str = "public";
    /// The word for no machine at all.
    pub const OFF: &'static str = "off";

    /// Reads a list with commas: `off`, or any of `public`, names and addresses.
    ///
    /// # Errors
    ///
    /// [`HostsError`] with the first entry that is none of these.
    pub fn parse(text: &str) -> Result<Self, HostsError> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let entries: Vec<&str> = entries.collect();
        if entries == [Self::OFF] {
            return Ok(Self(Vec::new()));
        }
        let parsed = entries.into_iter().map(|entry| Entry::parse(entry).ok_or(HostsError { entry: entry.to_owned() }));
        parsed.collect::<Result<_, _>>().map(Self)
    }

    /// Allows every machine of the public network, and none of the own.
    #[must_use]
    pub fn public() -> Self {
        Self(vec![Entry::Public])
    }

    /// Tells whether no machine is allowed.
    #[must_use]
    pub fn are_off(&self) -> bool {
        self.0.is_empty()
    }

    /// Tells whether `host`, found at `address`, may be read from.
    #[must_use]
    pub fn allow(&self, host: &str, address: IpAddr) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let address = address.to_canonical();
        self.0.iter().any(|entry| match entry {
            Entry::Public => is_public(address),
            Entry::Name(name) => *name == host && !is_link_local(address),
            Entry::Below(name) => {
                host.strip_suffix(name.as_str()).is_some_and(|front| front.ends_with('.')) && !is_link_local(address)
            }
            Entry::Range { address: range, bits } => starts_alike(*range, address, *bits),
        })
    }
}

impl fmt::Display for Hosts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.are_off() {
            return out.write_str(Self::OFF);
        }
        for (at, entry) in self.0.iter().enumerate() {
            out.write_str(if at == 0 { "" } else { "," })?;
            match entry {
                Entry::Public => out.write_str(Self::PUBLIC),
                Entry::Name(name) => out.write_str(name),
                Entry::Below(name) => write!(out, "*.{name}"),
                Entry::Range { address, bits } if *bits == width(*address) => write!(out, "{address}"),
                Entry::Range { address, bits } => write!(out, "{address}/{bits}"),
            }?;
        }
        Ok(())
    }
}

impl Entry {
    fn parse(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case(Hosts::PUBLIC) {
            return Some(Self::Public);
        }
        if text.eq_ignore_ascii_case(Hosts::OFF) {
            return None;
        }
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        if let Ok(address) = address.parse::<IpAddr>() {
            let bits = bits.map_or(Some(width(address)), |bits| bits.parse().ok())?;
            return (bits <= width(address)).then_some(Self::Range { address, bits });
        }
        let (name, is_below) = text.strip_prefix("*.").map_or((text, false), |name| (name, true));
        let is_name = !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
            // Four numbers that are no address are a slip, not a name.
            && name.bytes().any(|byte| byte.is_ascii_alphabetic());
        let name = name.to_ascii_lowercase();
        is_name.then_some(if is_below { Self::Below(name) } else { Self::Name(name) })
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// Tells whether two addresses of one kind begin with the same bits.
fn starts_alike(range: IpAddr, address: IpAddr, bits: u8) -> bool {
    let differing = match (range, address) {
        (IpAddr::V4(range), IpAddr::V4(address)) => (range.to_bits() ^ address.to_bits()).leading_zeros(),
        (IpAddr::V6(range), IpAddr::V6(address)) => (range.to_bits() ^ address.to_bits()).leading_zeros(),
        _ => return false,
    };
    differing >= u32::from(bits)
}

/// Tells whether an address is one that a cloud answers its own machines at: names must not lead there.
fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => {
            address.is_unicast_link_local() || embedded(address).is_some_and(|v4| v4.is_link_local())
        }
    }
}

/// Tells whether an address belongs to the public network, as far as IANA's registries of special ones say.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        // This network, shared by carriers, protocol assignments, relays of 6to4, benchmarks; all from 224 on.
        || a == 0
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b))
        || a >= 224;
    !is_special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(inner) = embedded(address) {
        return is_public_v4(inner);
    }
    let [a, b, ..] = address.segments();
    // Only 2000::/3 is handed out. Of it: protocol assignments (Teredo with them) and documentation.
    a & 0xe000 == 0x2000 && !(a == 0x2001 && b < 0x0200) && !(a == 0x2001 && b == 0x0db8) && a & 0xfff0 != 0x3ff0
}

/// Gives the address of version 4 that one of version 6 leads to, through a translator or 6to4.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let low = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, a, b] | [0, 0, 0, 0, 0, 0, a, b] => Some(low(a, b)),
        [0x2002, a, b, ..] => Some(low(a, b)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(list: &str, host: &str, address: &str, is_allowed: bool) {
        let hosts = Hosts::parse(list).expect("a list of hosts");
        let address = address.parse().expect("an address");
        assert_eq!(hosts.allow(host, address), is_allowed, "{list}: {host} at {address}");
    }

    #[test]
    fn public_is_the_public_network_alone() {
        for address in ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"] {
            check("public", "x", address, true);
        }
        let own = [
            "127.0.0.1",
            "10.0.0.1",
            "172.16.5.5",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "192.0.0.8",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "192.0.2.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "fec0::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "::7f00:1",
            "100::1",
        ];
        for address in own {
            check("public", "x", address, false);
        }
    }

    #[test]
    fn names_and_ranges_open_more() {
        check("Data.example.com", "data.example.com.", "10.0.0.1", true);
        check("data.example.com", "data.example.com", "169.254.169.254", false);
        check("data.example.com", "other.example.com", "8.8.8.8", false);
        check("*.example.com", "a.b.example.com", "8.8.8.8", true);
        check("*.example.com", "example.com", "8.8.8.8", false);
        check("*.example.com", "badexample.com", "8.8.8.8", false);
        check("10.1.0.0/16, ::1", "x", "10.1.2.3", true);
        check("10.1.0.0/16, ::1", "x", "10.2.2.3", false);
        check("10.1.0.0/16, ::1", "x", "::1", true);
        check("0.0.0.0/0", "x", "169.254.169.254", true);
        check("off", "x", "8.8.8.8", false);
        check("", "x", "8.8.8.8", false);
    }

    #[test]
    fn lists_are_shown_as_they_are_written() {
        let shown = |text: &str| Hosts::parse(text).map(|hosts| hosts.to_string());
        assert_eq!(
            shown(" public, *.Example.com,127.0.0.1 ,10.0.0.0/8").as_deref(),
            Ok("public,*.example.com,127.0.0.1,10.0.0.0/8")
        );
        assert_eq!(shown("").as_deref(), Ok("off"));
        for wrong in ["10.0.0.0/33", "1.2.3", "http://x", "*", "public,off"] {
            let entry = wrong.strip_prefix("public,").unwrap_or(wrong).to_owned();
            assert_eq!(Hosts::parse(wrong), Err(HostsError { entry }));
        }
    }
}
