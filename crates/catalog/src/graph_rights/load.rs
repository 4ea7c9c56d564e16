//! From where a user may load data.
//! Leaves reading files and machines to `query` and `instance`.
//! Start reading at [`LoadRights::allows_address`].

use std::net::IpAddr;

use super::Verdict;

/// A range of addresses: those whose first bits are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRange {
    address: IpAddr,
    bits: u8,
}

impl AddressRange {
    /// Reads `10.0.0.0/8` or `fd00::/8`; nothing where it is neither.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/')?;
        let address: IpAddr = address.parse().ok()?;
        let bits_max = if address.is_ipv4() { 32 } else { 128 };
        let bits: u8 = bits.parse().ok().filter(|bits| *bits <= bits_max)?;
        Some(Self { address, bits })
    }

    /// Tells whether an address is in the range; an IPv4 address that is written as IPv6 is the same one.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        let head = |value: u128, width: u32| match u32::from(self.bits) {
            0 => 0,
            bits => value >> (width - bits),
        };
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                head(u128::from(own.to_bits()), 32) == head(u128::from(other.to_bits()), 32)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => head(own.to_bits(), 128) == head(other.to_bits(), 128),
            _ => false,
        }
    }
}

/// What data may be loaded from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadFrom {
    /// Files, and every machine.
    AllData,
    /// Machines in a range of addresses.
    Range(AddressRange),
}

/// From where data may be loaded, and from where not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadRights {
    granted: Vec<LoadFrom>,
    denied: Vec<LoadFrom>,
}

impl LoadRights {
    pub(super) fn everything() -> Self {
        Self { granted: vec![LoadFrom::AllData], denied: Vec::new() }
    }

    /// Tells whether files of the server may be read: that needs the right to all data.
    #[must_use]
    pub fn allows_files(&self) -> bool {
        self.granted.contains(&LoadFrom::AllData) && !self.denied.contains(&LoadFrom::AllData)
    }

    /// Tells whether a machine may be read.
    #[must_use]
    pub fn allows_address(&self, address: IpAddr) -> bool {
        let any = |list: &[LoadFrom]| {
            list.iter().any(|from| match from {
                LoadFrom::AllData => true,
                LoadFrom::Range(range) => range.holds(address),
            })
        };
        any(&self.granted) && !any(&self.denied)
    }

    /// Tells whether there is anything that may be read.
    #[must_use]
    pub fn allows_something(&self) -> bool {
        !self.granted.is_empty() && !self.denied.contains(&LoadFrom::AllData)
    }

    /// Tells whether everything may be read.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.granted.contains(&LoadFrom::AllData) && self.denied.is_empty()
    }

    pub(super) fn add(&mut self, verdict: Verdict, from: &LoadFrom) {
        match verdict {
            Verdict::Grant => self.granted.push(from.clone()),
            Verdict::Deny => self.denied.push(from.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_the_addresses_with_their_first_bits() {
        let holds = |range: &str, address: &str| {
            AddressRange::parse(range).map(|range| range.holds(address.parse().expect("an address")))
        };
        assert_eq!(holds("10.1.0.0/16", "10.1.200.3"), Some(true));
        assert_eq!(holds("10.1.0.0/16", "10.2.0.1"), Some(false));
        assert_eq!(holds("10.1.0.0/16", "::ffff:10.1.2.3"), Some(true));
        assert_eq!(holds("0.0.0.0/0", "200.1.1.1"), Some(true));
        assert_eq!(holds("0.0.0.0/0", "::1"), Some(false));
        assert_eq!(holds("fd00::/8", "fd12::1"), Some(true));
        assert_eq!(holds("10.0.0.0/33", "10.0.0.1"), None);
        assert_eq!(holds("nowhere/8", "10.0.0.1"), None);
    }

    #[test]
    fn a_denied_range_wins_over_all_data() {
        let range = |text| LoadFrom::Range(AddressRange::parse(text).expect("a range"));
        let mut rights = LoadRights::everything();
        assert!(rights.is_everything() && rights.allows_files());
        rights.add(Verdict::Deny, &range("127.0.0.1/32"));
        let allows = |rights: &LoadRights, address: &str| rights.allows_address(address.parse().expect("an address"));
        assert!(!allows(&rights, "127.0.0.1") && allows(&rights, "127.0.0.2") && rights.allows_files());
        let mut some = LoadRights::default();
        assert!(!some.allows_something());
        some.add(Verdict::Grant, &range("10.0.0.0/8"));
        assert!(allows(&some, "10.9.9.9") && !allows(&some, "11.0.0.1") && !some.allows_files());
        some.add(Verdict::Deny, &LoadFrom::AllData);
        assert!(!some.allows_something() && !allows(&some, "10.9.9.9"));
    }
}
