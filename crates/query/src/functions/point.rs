//! Points: made from a map, measured, and looked for in a box.

use types::{Code, Crs, Failure, Map, Point, Value};

use super::Function;
use super::error::wrong_type;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::pure(
        "point",
        (1, 1),
        |_, arguments| point(&arguments[0]),
        "point(input :: MAP) :: POINT",
        "Returns a point.",
    ),
    Function::pure(
        "point.distance",
        (2, 2),
        |_, arguments| distance(arguments),
        "point.distance(from :: POINT, to :: POINT) :: FLOAT",
        "Returns the distance of two points, in metres on the globe.",
    ),
    Function::pure(
        "distance",
        (2, 2),
        |_, arguments| distance(arguments),
        "distance(from :: POINT, to :: POINT) :: FLOAT",
        "Returns the distance of two points, in metres on the globe.",
    ),
    Function::pure(
        "point.withinBBox",
        (3, 3),
        |_, arguments| within_box(arguments),
        "point.withinBBox(point :: POINT, lowerLeft :: POINT, upperRight :: POINT) :: BOOLEAN",
        "Returns true if a point lies in the box between two others.",
    ),
];

fn point(value: &Value) -> Result<Value, Failure> {
    match value {
        Value::Null => Ok(Value::Null),
        Value::Map(entries) if entries.values().any(Value::is_null) => Ok(Value::Null),
        Value::Map(entries) => Ok(Value::Point(Box::new(from_map(entries)?))),
        other => Err(wrong_type("point", "a Map", other)),
    }
}

fn from_map(entries: &Map) -> Result<Point, Failure> {
    let geographic = entries.contains_key("latitude") || entries.contains_key("longitude");
    let (first, second) = if geographic { ("longitude", "latitude") } else { ("x", "y") };
    let (Some(x), Some(y)) = (coordinate(entries, first)?, coordinate(entries, second)?) else {
        return Err(invalid(missing(geographic, entries)));
    };
    let z = match coordinate(entries, "z")? {
        None => coordinate(entries, "height")?,
        some => some,
    };
    let crs = match named_crs(entries)? {
        Some(crs) => crs,
        None => match (geographic, z.is_some()) {
            (false, false) => Crs::Cartesian,
            (false, true) => Crs::Cartesian3D,
            (true, false) => Crs::Wgs84,
            (true, true) => Crs::Wgs84With3D,
        },
    };
    if geographic && !crs.is_geographic() {
        return Err(invalid(format!("Geographic points does not support coordinate reference system: {}", crs.name())));
    }
    if crs.has_height() != z.is_some() {
        let (wanted, got) = (2 + usize::from(crs.has_height()), 2 + usize::from(z.is_some()));
        let name = crs.name();
        return Err(invalid(format!(
            "Cannot create point with {wanted}D coordinate reference system {name} and {got} coordinates"
        )));
    }
    let longitude = if crs.is_geographic() { wrapped(x, y)? } else { x };
    Ok(Point { srid: crs.srid(), x: longitude, y, z })
}

/// Turns a longitude into -180 to 180; a latitude beyond a pole is an error.
fn wrapped(longitude: f64, latitude: f64) -> Result<f64, Failure> {
    if !(-90.0..=90.0).contains(&latitude) || !longitude.is_finite() {
        let message = format!(
            "Cannot create WGS84 point with invalid coordinate: [{longitude:?}, {latitude:?}]. Valid range for Y coordinate is [-90, 90]."
        );
        return Err(invalid(message));
    }
    if (-180.0..=180.0).contains(&longitude) {
        return Ok(longitude);
    }
    Ok((longitude + 180.0).rem_euclid(360.0) - 180.0)
}

fn coordinate(entries: &Map, key: &str) -> Result<Option<f64>, Failure> {
    match entries.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Integer(integer)) => Ok(Some(*integer as f64)),
        Some(Value::Float(float)) => Ok(Some(*float)),
        Some(other) => {
            let message = format!("Cannot assign {} to field {key}", super::error::shown(other));
            Err(invalid(message))
        }
    }
}

fn missing(geographic: bool, entries: &Map) -> String {
    let keys: Vec<&str> = entries.keys().map(types::CompactString::as_str).collect();
    let wanted = if geographic { "'latitude' and 'longitude'" } else { "'x' and 'y', or 'latitude' and 'longitude'" };
    format!("A point must contain either {wanted}, got: [{}]", keys.join(", "))
}

fn named_crs(entries: &Map) -> Result<Option<Crs>, Failure> {
    match (entries.get("crs"), entries.get("srid")) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(invalid("Cannot specify both CRS and SRID")),
        (Some(Value::String(name)), None) => match Crs::by_name(name) {
            Some(crs) => Ok(Some(crs)),
            None => Err(invalid(format!("Unknown coordinate reference system: {name}"))),
        },
        (None, Some(Value::Integer(srid))) => match u32::try_from(*srid).ok().and_then(Crs::by_srid) {
            Some(crs) => Ok(Some(crs)),
            None => Err(invalid(format!("Unknown coordinate reference system code: {srid}"))),
        },
        (Some(other), None) => Err(wrong_type("point", "a String as crs", other)),
        (None, Some(other)) => Err(wrong_type("point", "an Integer as srid", other)),
    }
}

#[cold]
fn invalid(message: impl Into<String>) -> Failure {
    Failure::new(Code::ArgumentError, message)
}

/// Reads points; `None` where one is null or something else, or they lie in different systems.
fn points<const N: usize>(arguments: &[Value]) -> Option<[&Point; N]> {
    let mut found = Vec::with_capacity(N);
    for argument in arguments {
        let Value::Point(point) = argument else { return None };
        found.push(point.as_ref());
    }
    let found: [&Point; N] = found.try_into().expect("the binder checked the number of arguments");
    found.iter().all(|point| point.srid == found[0].srid).then_some(found)
}

fn distance(arguments: &[Value]) -> Result<Value, Failure> {
    let Some([from, to]) = points::<2>(arguments) else { return Ok(Value::Null) };
    let geographic = from.crs().is_some_and(Crs::is_geographic);
    Ok(Value::Float(if geographic { on_globe(from, to) } else { flat(from, to) }))
}

fn flat(from: &Point, to: &Point) -> f64 {
    let height = to.z.unwrap_or(0.0) - from.z.unwrap_or(0.0);
    ((to.x - from.x).powi(2) + (to.y - from.y).powi(2) + height.powi(2)).sqrt()
}

/// The equator's radius in metres, as clients of Neo4j expect it.
const EARTH_RADIUS: f64 = 6_378_140.0;

/// The great circle at the mean height, and the difference of heights at right angles to it.
fn on_globe(from: &Point, to: &Point) -> f64 {
    let (latitude_from, latitude_to) = (from.y.to_radians(), to.y.to_radians());
    let half_latitude = ((latitude_to - latitude_from) / 2.0).sin();
    let half_longitude = ((to.x - from.x).to_radians() / 2.0).sin();
    let chord = half_latitude.powi(2) + latitude_from.cos() * latitude_to.cos() * half_longitude.powi(2);
    let angle = 2.0 * chord.sqrt().atan2((1.0 - chord).sqrt());
    match (from.z, to.z) {
        (Some(low), Some(high)) => ((EARTH_RADIUS + (low + high) / 2.0) * angle).hypot(high - low),
        _ => EARTH_RADIUS * angle,
    }
}

fn within_box(arguments: &[Value]) -> Result<Value, Failure> {
    let Some([point, low, high]) = points::<3>(arguments) else { return Ok(Value::Null) };
    let geographic = point.crs().is_some_and(Crs::is_geographic);
    let within = |value: f64, low: f64, high: f64| low <= value && value <= high;
    // A box whose west lies east of its east goes over the 180th meridian.
    let in_x = if geographic && low.x > high.x {
        point.x >= low.x || point.x <= high.x
    } else {
        within(point.x, low.x, high.x)
    };
    let in_z = match (point.z, low.z, high.z) {
        (Some(z), Some(low), Some(high)) => within(z, low, high),
        _ => true,
    };
    Ok(Value::Boolean(in_x && within(point.y, low.y, high.y) && in_z))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{NULL, check, map, values};
    use types::{Crs, Point, Value};

    fn flat(x: f64, y: f64) -> Value {
        Value::Point(Box::new(Point { srid: Crs::Cartesian.srid(), x, y, z: None }))
    }

    fn globe(longitude: f64, latitude: f64) -> Value {
        Value::Point(Box::new(Point { srid: Crs::Wgs84.srid(), x: longitude, y: latitude, z: None }))
    }

    #[test]
    fn points_from_maps() {
        check("point", [map([("x", 1.into()), ("y", 2.5.into())])], "point({x: 1.0, y: 2.5, crs: 'cartesian'})");
        check(
            "point",
            [map([("x", 1.into()), ("y", 2.into()), ("z", 3.into())])],
            "point({x: 1.0, y: 2.0, z: 3.0, crs: 'cartesian-3d'})",
        );
        check(
            "point",
            [map([("latitude", 2.into()), ("longitude", 1.into())])],
            "point({x: 1.0, y: 2.0, crs: 'wgs-84'})",
        );
        check(
            "point",
            [map([("x", 1.into()), ("y", 2.into()), ("srid", 4326.into())])],
            "point({x: 1.0, y: 2.0, crs: 'wgs-84'})",
        );
        check(
            "point",
            [map([("latitude", 2.into()), ("longitude", 190.into()), ("height", 9.into())])],
            "point({x: -170.0, y: 2.0, z: 9.0, crs: 'wgs-84-3d'})",
        );
        check("point", [map([("x", 1.into()), ("y", NULL)])], "null");
        check("point", values![NULL], "null");
    }

    #[test]
    fn points_that_cannot_be() {
        check(
            "point",
            [map([("x", 1.into())])],
            "ArgumentError: A point must contain either 'x' and 'y', or 'latitude' and 'longitude', got: [x]",
        );
        check(
            "point",
            [map([("x", 1.into()), ("y", 2.into()), ("crs", "mars".into())])],
            "ArgumentError: Unknown coordinate reference system: mars",
        );
        check(
            "point",
            [map([("x", 1.into()), ("y", 2.into()), ("crs", "cartesian-3d".into())])],
            "ArgumentError: Cannot create point with 3D coordinate reference system cartesian-3d and 2 coordinates",
        );
        check(
            "point",
            [map([("longitude", 1.into()), ("latitude", 91.into())])],
            "ArgumentError: Cannot create WGS84 point with invalid coordinate: [1.0, 91.0]. Valid range for Y coordinate is [-90, 90].",
        );
        check(
            "point",
            [map([("x", "a".into()), ("y", 2.into())])],
            "ArgumentError: Cannot assign String('a') to field x",
        );
    }

    #[test]
    fn distances() {
        check("point.distance", [flat(0.0, 0.0), flat(3.0, 4.0)], "5.0");
        check("distance", [flat(0.0, 0.0), globe(3.0, 4.0)], "null");
        check("point.distance", [globe(0.0, 0.0), globe(180.0, 0.0)], "2.0037517767567202E7");
        check("point.distance", [flat(0.0, 0.0), NULL], "null");
        // As an index of points has it, which knows nothing else.
        check("point.distance", [flat(0.0, 0.0), 1.into()], "null");
    }

    #[test]
    fn boxes() {
        check("point.withinBBox", [flat(1.0, 1.0), flat(0.0, 0.0), flat(1.0, 2.0)], "true");
        check("point.withinBBox", [flat(1.5, 1.0), flat(0.0, 0.0), flat(1.0, 2.0)], "false");
        check("point.withinBBox", [globe(179.0, 1.0), globe(170.0, 0.0), globe(-170.0, 2.0)], "true");
        check("point.withinBBox", [globe(0.0, 1.0), globe(170.0, 0.0), globe(-170.0, 2.0)], "false");
        check("point.withinBBox", [flat(1.0, 1.0), globe(0.0, 0.0), flat(1.0, 2.0)], "null");
    }
}
