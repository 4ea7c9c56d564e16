//! Functions over numbers: signs, roots, logarithms, rounding, chance.

use types::{Code, Failure, Value};

use super::error::{wrong_type, wrong_value};
use super::{Function, FunctionContext};

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
    Function::pure(
        "abs",
        (1, 1),
        |_, arguments| abs(&arguments[0]),
        "abs(input :: INTEGER | FLOAT) :: INTEGER | FLOAT",
        "Returns a number without its sign.",
    ),
    Function::pure(
        "sign",
        (1, 1),
        |_, arguments| sign(&arguments[0]),
        "sign(input :: INTEGER | FLOAT) :: INTEGER",
        "Returns 0 for zero, -1 for a negative and 1 for a positive number.",
    ),
    Function::pure(
        "isNaN",
        (1, 1),
        |_, arguments| Ok(float_argument("isNaN", &arguments[0])?.map_or(Value::Null, |float| float.is_nan().into())),
        "isNaN(input :: INTEGER | FLOAT) :: BOOLEAN",
        "Returns true if the number is NaN.",
    ),
    Function::pure(
        "round",
        (1, 3),
        |_, arguments| round(arguments),
        "round(value :: FLOAT, precision = 0 :: INTEGER | FLOAT, mode = HALF_UP :: STRING) :: FLOAT",
        "Rounds a number to some decimals, by one of seven modes.",
    ),
    Function::impure(
        "rand",
        (0, 0),
        |context, _| Ok(Value::Float(random_fraction(context))),
        "rand() :: FLOAT",
        "Returns a random number from 0 (inclusive) to 1 (exclusive).",
    ),
    Function::pure(
        "e",
        (0, 0),
        |_, _| Ok(Value::Float(std::f64::consts::E)),
        "e() :: FLOAT",
        "Returns Euler's number.",
    ),
    Function::pure("pi", (0, 0), |_, _| Ok(Value::Float(std::f64::consts::PI)), "pi() :: FLOAT", "Returns pi."),
    of_one_float!("ceil", f64::ceil, "Returns the smallest whole number that is not below the input."),
    of_one_float!("ceiling", f64::ceil, "Returns the smallest whole number that is not below the input."),
    of_one_float!("floor", f64::floor, "Returns the largest whole number that is not above the input."),
    of_one_float!("sqrt", f64::sqrt, "Returns the square root."),
    of_one_float!("exp", f64::exp, "Returns e to the power of the input."),
    of_one_float!("log", f64::ln, "Returns the natural logarithm."),
    of_one_float!("ln", f64::ln, "Returns the natural logarithm."),
    of_one_float!("log10", f64::log10, "Returns the logarithm to base 10."),
];

/// Reads a number as a float; `None` for null.
pub(super) fn float_argument(name: &str, value: &Value) -> Result<Option<f64>, Failure> {
    match value {
        Value::Null => Ok(None),
        Value::Float(float) => Ok(Some(*float)),
        Value::Integer(integer) => Ok(Some(*integer as f64)),
        other => Err(wrong_type(name, "a Float or Integer", other)),
    }
}

/// Applies a function of one float to the first argument.
pub(super) fn of_float(name: &str, arguments: &[Value], function: impl Fn(f64) -> f64) -> Result<Value, Failure> {
    Ok(float_argument(name, &arguments[0])?.map_or(Value::Null, |float| Value::Float(function(float))))
}

fn abs(value: &Value) -> Result<Value, Failure> {
    match value {
        Value::Integer(integer) => integer.checked_abs().map(Value::Integer).ok_or_else(|| {
            let message = format!("long overflow: abs({integer}) cannot be represented as an integer");
            Failure::new(Code::ArithmeticError, message)
        }),
        other => of_float("abs", std::slice::from_ref(other), f64::abs),
    }
}

fn sign(value: &Value) -> Result<Value, Failure> {
    let Some(float) = float_argument("sign", value)? else { return Ok(Value::Null) };
    Ok(Value::Integer(i64::from(float > 0.0) - i64::from(float < 0.0)))
}

/// Takes the upper 53 bits, which a float holds exactly.
fn random_fraction(context: &mut FunctionContext<'_>) -> f64 {
    ((context.random)() >> 11) as f64 / (1_u64 << 53) as f64
}

/// What to do with what lies between two representable numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Up,
    Down,
    Ceiling,
    Floor,
    HalfUp,
    HalfDown,
    HalfEven,
}

impl Mode {
    fn parse(value: &Value) -> Result<Self, Failure> {
        let Value::String(name) = value else { return Err(wrong_type("round", "a String as mode", value)) };
        Ok(match name.to_ascii_uppercase().as_str() {
            "UP" => Self::Up,
            "DOWN" => Self::Down,
            "CEILING" => Self::Ceiling,
            "FLOOR" => Self::Floor,
            "HALF_UP" => Self::HalfUp,
            "HALF_DOWN" => Self::HalfDown,
            "HALF_EVEN" => Self::HalfEven,
            _ => {
                let problem = format!(
                    "Unknown rounding mode '{name}'. Valid values are: CEILING, FLOOR, UP, DOWN, HALF_EVEN, HALF_UP, HALF_DOWN."
                );
                return Err(wrong_value("round", &problem));
            }
        })
    }

    /// Decides whether the kept digits grow by one, away from zero.
    fn grows(self, negative: bool, last_kept: u8, first_cut: u8, rest_is_zero: bool) -> bool {
        let half =
            first_cut.cmp(&5).then(if rest_is_zero { std::cmp::Ordering::Equal } else { std::cmp::Ordering::Greater });
        let exact = first_cut == 0 && rest_is_zero;
        match self {
            Self::Up => !exact,
            Self::Down => false,
            Self::Ceiling => !exact && !negative,
            Self::Floor => !exact && negative,
            Self::HalfUp => half.is_ge(),
            Self::HalfDown => half.is_gt(),
            Self::HalfEven => half.is_gt() || (half.is_eq() && last_kept % 2 == 1),
        }
    }
}

fn round(arguments: &[Value]) -> Result<Value, Failure> {
    let Some(float) = float_argument("round", &arguments[0])? else { return Ok(Value::Null) };
    if arguments[1..].iter().any(Value::is_null) {
        return Ok(Value::Null);
    }
    let precision = arguments.get(1).map_or(Ok(0), precision_argument)?;
    let mode = arguments.get(2).map(Mode::parse).transpose()?;
    Ok(Value::Float(match (mode, precision) {
        // Without a mode, whole numbers round halves towards positive infinity, and decimals away from zero.
        (None, 0) => half_towards_infinity(float),
        (mode, precision) => round_decimal(float, precision, mode.unwrap_or(Mode::HalfUp)),
    }))
}

fn precision_argument(value: &Value) -> Result<usize, Failure> {
    let precision = match value {
        Value::Integer(integer) => *integer,
        Value::Float(float) if float.fract() == 0.0 => *float as i64,
        other => return Err(wrong_type("round", "an Integer as precision", other)),
    };
    // A float has no digit behind the 1,074th decimal.
    usize::try_from(precision.min(1_100))
        .map_err(|_| wrong_value("round", "Precision argument to 'round()' cannot be negative"))
}

/// Adding 0.5 would be wrong just below a half, where the sum rounds up.
fn half_towards_infinity(float: f64) -> f64 {
    let floor = float.floor();
    if float - floor >= 0.5 { floor + 1.0 } else { floor }
}

/// Rounds the shortest decimal that reads back as the float, as people who typed it expect.
fn round_decimal(float: f64, precision: usize, mode: Mode) -> f64 {
    if !float.is_finite() || float == 0.0 {
        return float;
    }
    let scientific = format!("{:e}", float.abs());
    let (digits, exponent) = scientific.split_once('e').expect("the scientific form has an exponent");
    let digits: Vec<u8> = digits.bytes().filter(u8::is_ascii_digit).map(|digit| digit - b'0').collect();
    let exponent: i64 = exponent.parse().expect("the exponent is a small integer");
    // Digits up to the decimal that is kept; the first digit stands at 10^exponent.
    let kept = exponent + 1 + precision as i64;
    if kept >= digits.len() as i64 {
        return float;
    }
    let digit = |at: i64| usize::try_from(at).ok().and_then(|at| digits.get(at)).copied().unwrap_or(0);
    let rest_is_zero = digits.iter().skip(usize::try_from(kept + 1).unwrap_or(0)).all(|digit| *digit == 0);
    let grows = mode.grows(float.is_sign_negative(), digit(kept - 1), digit(kept), rest_is_zero);
    let mut whole: Vec<u8> = digits[..usize::try_from(kept).unwrap_or(0)].to_vec();
    if grows {
        grow(&mut whole);
    }
    let text: String = whole.iter().map(|digit| char::from(b'0' + digit)).collect();
    let text = if text.is_empty() { "0" } else { &text };
    let size: f64 = format!("{text}e-{precision}").parse().expect("digits and an exponent make a float");
    size.copysign(float)
}

/// Adds one to a decimal number; nothing counts as zero.
fn grow(digits: &mut Vec<u8>) {
    for digit in digits.iter_mut().rev() {
        if *digit < 9 {
            *digit += 1;
            return;
        }
        *digit = 0;
    }
    digits.insert(0, 1);
}

#[cfg(test)]
mod tests {
    use super::super::testing::{NULL, check, values};

    #[test]
    fn signs() {
        check("abs", values![-3], "3");
        check("abs", values![-3.5], "3.5");
        check(
            "abs",
            values![i64::MIN],
            "ArithmeticError: long overflow: abs(-9223372036854775808) cannot be represented as an integer",
        );
        check("abs", values![NULL], "null");
        check(
            "abs",
            values!["x"],
            "TypeError: Invalid input for function 'abs()': Expected a Float or Integer, got: String('x') (InvalidArgumentType)",
        );
        check("sign", values![-3], "-1");
        check("sign", values![0.0], "0");
        check("sign", values![0.5], "1");
        check("sign", values![f64::NAN], "0");
        check("isNaN", values![f64::NAN], "true");
        check("isNaN", values![1], "false");
    }

    #[test]
    fn roots_and_logarithms() {
        check("sqrt", values![12.96], "3.6");
        check("sqrt", values![-1], "NaN");
        check("exp", values![0], "1.0");
        check("log", values![0], "-Infinity");
        check("log10", values![1000], "3.0");
        check("e", [], "2.718281828459045");
        check("pi", [], "3.141592653589793");
    }

    #[test]
    fn rounding_to_whole_numbers() {
        check("ceil", values![0.1], "1.0");
        check("floor", values![-0.1], "-1.0");
        check("round", values![3.1234], "3.0");
        check("round", values![1.5], "2.0");
        check("round", values![-1.5], "-1.0");
        check("round", values![0.49999999999999994], "0.0");
        check("round", values![7], "7.0");
        check("round", values![NULL], "null");
        check("round", values![f64::NAN], "NaN");
    }

    #[test]
    fn rounding_to_decimals() {
        check("round", values![3.1236, 3], "3.124");
        check("round", values![-1.55, 1], "-1.6");
        check("round", values![2.675, 2], "2.68");
        check("round", values![1.005, 2], "1.01");
        check("round", values![0.04, 1], "0.0");
        check("round", values![0.06, 1], "0.1");
        check("round", values![0.0006, 1], "0.0");
        check("round", values![99.96, 1], "100.0");
        check("round", values![123456789.125, 2], "1.2345678913E8");
        check("round", values![1.5, 400], "1.5");
        check("round", values![1.5, NULL], "null");
        check(
            "round",
            values![1.5, -1],
            "ArgumentError: Invalid input for function 'round()': Precision argument to 'round()' cannot be negative",
        );
    }

    #[test]
    fn rounding_by_mode() {
        let all = |input: f64, expected: [&str; 7]| {
            let modes = ["UP", "DOWN", "CEILING", "FLOOR", "HALF_UP", "HALF_DOWN", "HALF_EVEN"];
            for (mode, expected) in modes.iter().zip(expected) {
                check("round", values![input, 1, *mode], expected);
            }
        };
        all(1.249, ["1.3", "1.2", "1.3", "1.2", "1.2", "1.2", "1.2"]);
        all(-1.251, ["-1.3", "-1.2", "-1.2", "-1.3", "-1.3", "-1.3", "-1.3"]);
        all(1.25, ["1.3", "1.2", "1.3", "1.2", "1.3", "1.2", "1.2"]);
        all(-1.35, ["-1.4", "-1.3", "-1.3", "-1.4", "-1.4", "-1.3", "-1.4"]);
        all(1.2, ["1.2", "1.2", "1.2", "1.2", "1.2", "1.2", "1.2"]);
        all(0.001, ["0.1", "0.0", "0.1", "0.0", "0.0", "0.0", "0.0"]);
        check("round", values![-1.5, 0, "HALF_UP"], "-2.0");
        check(
            "round",
            values![1.5, 0, "SIDEWAYS"],
            "ArgumentError: Invalid input for function 'round()': Unknown rounding mode 'SIDEWAYS'. Valid values are: CEILING, FLOOR, UP, DOWN, HALF_EVEN, HALF_UP, HALF_DOWN.",
        );
    }

    #[test]
    fn chance_lies_between_zero_and_one() {
        check("rand", [], "0.5");
    }
}
