//! Trigonometric functions over floats.

use types::{Failure, Value};

use super::Function;
use super::number::{float_argument, of_float};

/// Makes a row for a function of one float.
macro_rules! of_one_float {
    ($name:literal, $function:expr, $description:literal) => {
        Function::pure(
            $name,
            (1, 1),
            |_, arguments| of_float($name, arguments, $function),
            concat!($name, "(input :: FLOAT) :: FLOAT"),
            $description,
        )
    };
}

pub(super) const FUNCTIONS: &[Function] = &[
    of_one_float!("sin", f64::sin, "Returns the sine of an angle in radians."),
    of_one_float!("cos", f64::cos, "Returns the cosine of an angle in radians."),
    of_one_float!("tan", f64::tan, "Returns the tangent of an angle in radians."),
    of_one_float!("cot", |angle: f64| 1.0 / angle.tan(), "Returns the cotangent of an angle in radians."),
    of_one_float!("asin", f64::asin, "Returns the arcsine in radians."),
    of_one_float!("acos", f64::acos, "Returns the arccosine in radians."),
    of_one_float!("atan", f64::atan, "Returns the arctangent in radians."),
    of_one_float!("sinh", f64::sinh, "Returns the hyperbolic sine."),
    of_one_float!("cosh", f64::cosh, "Returns the hyperbolic cosine."),
    of_one_float!("tanh", f64::tanh, "Returns the hyperbolic tangent."),
    of_one_float!("coth", hyperbolic_cotangent, "Returns the hyperbolic cotangent."),
    of_one_float!("degrees", f64::to_degrees, "Turns radians into degrees."),
    of_one_float!("radians", f64::to_radians, "Turns degrees into radians."),
    of_one_float!(
        "haversin",
        |angle: f64| (1.0 - angle.cos()) / 2.0,
        "Returns half the versine of an angle in radians."
    ),
    Function::pure(
        "atan2",
        (2, 2),
        |_, arguments| atan2(arguments),
        "atan2(y :: FLOAT, x :: FLOAT) :: FLOAT",
        "Returns the angle of the point (x, y) in radians.",
    ),
];

/// Has no value at zero, where both sides run off to infinity.
fn hyperbolic_cotangent(input: f64) -> f64 {
    if input == 0.0 { f64::NAN } else { 1.0 / input.tanh() }
}

fn atan2(arguments: &[Value]) -> Result<Value, Failure> {
    match (float_argument("atan2", &arguments[0])?, float_argument("atan2", &arguments[1])?) {
        (Some(y), Some(x)) => Ok(Value::Float(y.atan2(x))),
        _ => Ok(Value::Null),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{NULL, check, values};

    #[test]
    fn angles() {
        check("sin", values![0], "0.0");
        check("cos", values![0], "1.0");
        check("tan", values![0.0], "0.0");
        check("cot", values![0], "Infinity");
        check("asin", values![1], "1.5707963267948966");
        check("acos", values![2], "NaN");
        check("atan2", values![1, 1], "0.7853981633974483");
        check("atan2", values![1, NULL], "null");
        check("degrees", values![std::f64::consts::PI], "180.0");
        check("radians", values![180], "3.141592653589793");
        check("haversin", values![0], "0.0");
        check("coth", values![0], "NaN");
        check("sinh", values![NULL], "null");
        check(
            "cos",
            values![true],
            "TypeError: Invalid input for function 'cos()': Expected a Float or Integer, got: Boolean(true) (InvalidArgumentType)",
        );
    }
}
