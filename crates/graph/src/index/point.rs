//! Point indexes: each point in a cell of a grid, the cells along a curve that keeps near ones together (Z-order).
//! Leaves exactness to who asks: every point in a box is found, and some beside it.
//! Start reading at [`entry`] and [`find`].

use types::{Crs, IndexId, Point};

use crate::error::GraphError;
use crate::keys;
use crate::read::View;

/// Runs of cells that a box is cut into, at most about so many; more would cost more than they leave out.
const RUNS_MAX: usize = 48;
/// Less than the least radius with which distances are reckoned, so that a box is rather too large.
const EARTH_RADIUS_LESS: f64 = 6_378_000.0;

/// The corners of a box in one coordinate system: x, y and z, or x and y.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Area {
    pub srid: u32,
    pub low: [f64; 3],
    pub high: [f64; 3],
}

impl Area {
    /// Makes the boxes between two points; two where it goes over the 180th meridian, none if the systems differ.
    pub fn between(low: &Point, high: &Point) -> Vec<Self> {
        if low.srid != high.srid {
            return Vec::new();
        }
        let corner = |point: &Point| [point.x, point.y, point.z.unwrap_or(0.0)];
        let (from, to, srid) = (corner(low), corner(high), low.srid);
        if is_geographic(low) && from[0] > to[0] {
            let east = Self { srid, low: from, high: [180.0, to[1], to[2]] };
            let west = Self { srid, low: [-180.0, from[1], from[2]], high: to };
            vec![east, west]
        } else {
            vec![Self { srid, low: from, high: to }]
        }
    }

    /// Makes the boxes that hold all points no farther from one than `distance`.
    pub fn around(center: &Point, distance: f64) -> Vec<Self> {
        if distance.is_nan() || distance < 0.0 {
            return Vec::new();
        }
        let srid = center.srid;
        // Rounding may have made the distance a little less than it is.
        let distance = distance * (1.0 + 1e-9) + f64::MIN_POSITIVE;
        if !is_geographic(center) {
            let at = [center.x, center.y, center.z.unwrap_or(0.0)];
            let by = |way: f64| at.map(|middle| middle + way * distance);
            return vec![Self { srid, low: by(-1.0), high: by(1.0) }];
        }
        let angle = (distance / EARTH_RADIUS_LESS).to_degrees();
        let (south, north) = (center.y - angle, center.y + angle);
        let everywhere = |low: f64, high: f64| {
            vec![Self { srid, low: [-180.0, low, f64::NEG_INFINITY], high: [180.0, high, f64::INFINITY] }]
        };
        // Heights change what a distance means on the ground, and around a pole there is every longitude.
        if center.z.is_some() {
            return everywhere(-90.0, 90.0);
        }
        if south <= -90.0 || north >= 90.0 || angle >= 90.0 {
            return everywhere(south.max(-90.0), north.min(90.0));
        }
        let aside = (angle.to_radians().sin() / center.y.to_radians().cos()).min(1.0).asin().to_degrees();
        let (west, east) = (center.x - aside, center.x + aside);
        let area = |west: f64, east: f64| Self { srid, low: [west, south, 0.0], high: [east, north, 0.0] };
        if west < -180.0 {
            vec![area(-180.0, east), area(west + 360.0, 180.0)]
        } else if east > 180.0 {
            vec![area(west, 180.0), area(-180.0, east - 360.0)]
        } else {
            vec![area(west, east)]
        }
    }
}

fn is_geographic(point: &Point) -> bool {
    point.crs().is_some_and(Crs::is_geographic)
}

/// Makes the key of a point's entry.
pub(super) fn entry(index: IndexId, point: &Point, id: u64) -> Vec<u8> {
    let grid = Grid { srid: point.srid, dimensions: if point.z.is_some() { 3 } else { 2 } };
    let cell = grid.cell([point.x, point.y, point.z.unwrap_or(0.0)]);
    let mut key = prefix(index, point.srid);
    key.extend_from_slice(&grid.along(cell).to_be_bytes());
    key.extend_from_slice(&id.to_be_bytes());
    key
}

/// Lists the ids, ascending and each once, of all points in some boxes, and of some beside them.
pub(crate) fn find(view: View<'_>, index: IndexId, areas: &[Area]) -> Result<Vec<u64>, GraphError> {
    let mut ids = Vec::new();
    for area in areas {
        let dimensions = if is_flat(area.srid) { 2 } else { 3 };
        let grid = Grid { srid: area.srid, dimensions };
        let (low, high) = (grid.cell(area.low), grid.cell(area.high));
        if (0..dimensions).any(|axis| low[axis] > high[axis]) {
            continue;
        }
        let prefix = prefix(index, area.srid);
        for (first, last) in grid.runs(low, high) {
            let start = [&prefix[..], &first.to_be_bytes()].concat();
            let end = keys::after_prefix(&[&prefix[..], &last.to_be_bytes()].concat());
            view.scan(&start, &end, |key, _| {
                let at = key.len().checked_sub(16);
                let found = at.and_then(|at| keys::u64_at(key, at)).zip(at.and_then(|at| keys::u64_at(key, at + 8)));
                let (along, id) = found.ok_or_else(|| GraphError::damaged("an entry of a point index"))?;
                let cell = grid.back(along);
                if (0..dimensions).all(|axis| (low[axis]..=high[axis]).contains(&cell[axis])) {
                    ids.push(id);
                }
                Ok(true)
            })?;
        }
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

fn prefix(index: IndexId, srid: u32) -> Vec<u8> {
    [&keys::entries_of_index(index)[..], &srid.to_be_bytes()].concat()
}

fn is_flat(srid: u32) -> bool {
    srid == Crs::Cartesian.srid() || srid == Crs::Wgs84.srid()
}

/// Cuts a coordinate system into cells: 2^32 along each of two axes, or 2^21 along each of three.
#[derive(Clone, Copy)]
struct Grid {
    srid: u32,
    dimensions: usize,
}

impl Grid {
    fn bits(self) -> u32 {
        if self.dimensions == 2 { 32 } else { 21 }
    }

    /// Gives the cell of a place; a greater coordinate never has a lesser cell.
    fn cell(self, at: [f64; 3]) -> [u32; 3] {
        let is_globe = self.srid == Crs::Wgs84.srid() || self.srid == Crs::Wgs84With3D.srid();
        let shift = 64 - self.bits();
        let even = |value: f64, half: f64| {
            let share = ((value + half) / (2.0 * half)).clamp(0.0, 1.0);
            let cells = (1_u64 << self.bits()) as f64;
            ((share * cells) as u64).min((1 << self.bits()) - 1) as u32
        };
        let ordered = |value: f64| {
            let bits = if value == 0.0 { 0 } else { value.to_bits() };
            let ordered = if value < 0.0 { !bits } else { bits | 1 << 63 };
            (ordered >> shift) as u32
        };
        if is_globe { [even(at[0], 180.0), even(at[1], 90.0), ordered(at[2])] } else { at.map(ordered) }
    }

    /// Gives the place of a cell along the curve.
    fn along(self, cell: [u32; 3]) -> u64 {
        let mut along = 0;
        for bit in (0..self.bits()).rev() {
            for axis in cell.iter().take(self.dimensions) {
                along = along << 1 | u64::from(axis >> bit & 1);
            }
        }
        along
    }

    /// Gives the cell at a place along the curve.
    fn back(self, along: u64) -> [u32; 3] {
        let mut cell = [0; 3];
        let dimensions = self.dimensions as u32;
        for place in (0..self.bits() * dimensions).rev() {
            let axis = (dimensions - 1 - place % dimensions) as usize;
            cell[axis] = cell[axis] << 1 | (along >> place & 1) as u32;
        }
        cell
    }

    /// Cuts a box into runs of cells along the curve, which may hold cells beside the box.
    fn runs(self, low: [u32; 3], high: [u32; 3]) -> Vec<(u64, u64)> {
        // Squares of which each is whole, or still to be cut: corner, and bits that its inside has.
        let mut whole: Vec<([u32; 3], u32)> = Vec::new();
        let mut open = vec![([0; 3], self.bits())];
        while let Some(largest) = (0..open.len()).max_by_key(|at| open[*at].1) {
            let (corner, bits) = open.swap_remove(largest);
            let meets = |axis: usize| {
                let last = corner[axis] + inside(bits);
                corner[axis] <= high[axis] && last >= low[axis]
            };
            let is_within = |axis: usize| corner[axis] >= low[axis] && corner[axis] + inside(bits) <= high[axis];
            if !(0..self.dimensions).all(meets) {
                continue;
            }
            if bits == 0 || (0..self.dimensions).all(is_within) || whole.len() + open.len() >= RUNS_MAX {
                whole.push((corner, bits));
                continue;
            }
            for part in 0..1_u32 << self.dimensions {
                let mut corner = corner;
                for (axis, at) in corner.iter_mut().enumerate().take(self.dimensions) {
                    *at |= (part >> axis & 1) << (bits - 1);
                }
                open.push((corner, bits - 1));
            }
        }
        let run = |(corner, bits): &([u32; 3], u32)| {
            let first = self.along(*corner);
            let length = bits * self.dimensions as u32;
            (first, first | u64::MAX.checked_shr(64 - length).unwrap_or(0))
        };
        let mut runs: Vec<(u64, u64)> = whole.iter().map(run).collect();
        runs.sort_unstable();
        runs.dedup_by(|next, before| {
            let touches = before.1.checked_add(1) == Some(next.0);
            if touches {
                before.1 = next.1;
            }
            touches
        });
        runs
    }
}

/// The greatest number of so many bits.
fn inside(bits: u32) -> u32 {
    u32::MAX.checked_shr(32 - bits).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn point(srid: u32, x: f64, y: f64) -> Point {
        Point { srid, x, y, z: None }
    }

    #[test]
    fn cells_come_back_from_the_curve() {
        for (srid, dimensions) in [(7203, 2), (4979, 3)] {
            let grid = Grid { srid, dimensions };
            let cell = grid.cell([12.5, -33.25, 7.0]);
            let mut back = grid.back(grid.along(cell));
            if dimensions == 2 {
                back[2] = cell[2];
            }
            assert_eq!(back, cell);
        }
    }

    #[test]
    fn runs_are_few_and_cover_everything_when_asked_for_it() {
        let grid = Grid { srid: 4326, dimensions: 2 };
        assert_eq!(grid.runs([0; 3], [u32::MAX; 3]), [(0, u64::MAX)]);
        let runs = grid.runs([5, 5, 0], [2_000_000_000, 7, 0]);
        assert!(!runs.is_empty() && runs.len() <= 2 * RUNS_MAX, "{}", runs.len());
    }

    proptest! {
        #[test]
        fn no_point_in_a_box_is_left_out(
            x in -180.0..180.0_f64, y in -90.0..90.0_f64, west in -180.0..180.0_f64, south in -90.0..90.0_f64,
            wide in 0.0..200.0_f64, high in 0.0..90.0_f64, flat: bool,
        ) {
            let srid = if flat { 7203 } else { 4326 };
            let (east, north) = (west + wide, south + high);
            let is_within = (west..=east).contains(&x) && (south..=north).contains(&y);
            let areas = Area::between(&point(srid, west, south), &point(srid, east, north));
            let grid = Grid { srid, dimensions: 2 };
            let along = grid.along(grid.cell([x, y, 0.0]));
            let is_found = areas.iter().any(|area| {
                let runs = grid.runs(grid.cell(area.low), grid.cell(area.high));
                runs.iter().any(|(first, last)| (*first..=*last).contains(&along))
            });
            prop_assert!(is_found || !is_within);
        }

        #[test]
        fn no_near_point_is_left_out(
            x in -180.0..180.0_f64, y in -90.0..90.0_f64, dx in -3.0..3.0_f64, dy in -3.0..3.0_f64,
        ) {
            let (to_x, to_y) = ((x + dx + 540.0) % 360.0 - 180.0, (y + dy).clamp(-90.0, 90.0));
            let half = |to: f64, from: f64| ((to - from).to_radians() / 2.0).sin().powi(2);
            let chord = half(to_y, y) + y.to_radians().cos() * to_y.to_radians().cos() * half(to_x, x);
            let distance = 6_378_140.0 * 2.0 * chord.sqrt().atan2((1.0 - chord).sqrt());
            let inside = |area: &Area| {
                (area.low[0]..=area.high[0]).contains(&to_x) && (area.low[1]..=area.high[1]).contains(&to_y)
            };
            prop_assert!(Area::around(&point(4326, x, y), distance).iter().any(inside));
        }
    }
}
