//! Coordinate reference systems: the four that Cypher knows.

use crate::value::Point;

/// A coordinate reference system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Crs {
    /// Flat, two coordinates.
    Cartesian,
    /// Flat, three coordinates.
    Cartesian3D,
    /// Longitude and latitude in degrees.
    Wgs84,
    /// Longitude and latitude in degrees, height in metres.
    Wgs84With3D,
}

impl Crs {
    /// Every system, flat ones first.
    pub const ALL: [Self; 4] = [Self::Cartesian, Self::Cartesian3D, Self::Wgs84, Self::Wgs84With3D];

    /// Gives the number by which the wire and the store know it.
    #[must_use]
    pub fn srid(self) -> u32 {
        match self {
            Self::Cartesian => 7203,
            Self::Cartesian3D => 9157,
            Self::Wgs84 => 4326,
            Self::Wgs84With3D => 4979,
        }
    }

    /// Gives the name that `point({crs: ..})` takes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cartesian => "cartesian",
            Self::Cartesian3D => "cartesian-3d",
            Self::Wgs84 => "wgs-84",
            Self::Wgs84With3D => "wgs-84-3d",
        }
    }

    /// Tells whether the coordinates are degrees on the globe.
    #[must_use]
    pub fn is_geographic(self) -> bool {
        matches!(self, Self::Wgs84 | Self::Wgs84With3D)
    }

    /// Tells whether a point of it has a third coordinate.
    #[must_use]
    pub fn has_height(self) -> bool {
        matches!(self, Self::Cartesian3D | Self::Wgs84With3D)
    }

    /// Finds a system by its number.
    #[must_use]
    pub fn by_srid(srid: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|crs| crs.srid() == srid)
    }

    /// Finds a system by its name, in any case.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|crs| crs.name().eq_ignore_ascii_case(name))
    }
}

impl Point {
    /// Gives the point's system; `None` for a number that Cypher does not know.
    #[must_use]
    pub fn crs(&self) -> Option<Crs> {
        Crs::by_srid(self.srid)
    }

    /// Names the point's system: `wgs-84`; `unknown` for a number that Cypher does not know.
    #[must_use]
    pub fn crs_name(&self) -> &'static str {
        self.crs().map_or("unknown", Crs::name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systems_are_found_by_name_and_number() {
        for crs in Crs::ALL {
            assert_eq!(Crs::by_srid(crs.srid()), Some(crs));
            assert_eq!(Crs::by_name(&crs.name().to_uppercase()), Some(crs));
        }
        assert_eq!(Crs::by_srid(1), None);
        assert_eq!(Crs::by_name("mars"), None);
    }
}
