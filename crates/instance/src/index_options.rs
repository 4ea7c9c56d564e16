//! Settings of full-text and vector indexes: read from `OPTIONS`, checked, filled up, and shown again.
//! Leaves what they do to `graph`.
//! Start reading at [`settings`].

use cypher::ast::{Expression, ExpressionKind, IndexKind};
use graph::codec::fact::{IndexDefinition, IndexKind as KeptKind, IndexOptions};
use graph::fulltext::analyzer::{self, Analyzer};
use graph::fulltext::{ANALYZER, EVENTUALLY_CONSISTENT};
use graph::vector::{DIMENSIONS_MAX, Settings, Similarity, options};
use types::{Code, CompactString, Failure, Map, Value};

/// The most neighbours that a vector index may be told to keep.
const M_MAX: i64 = 512;
/// The most vectors that a vector index may be told to look at for a new one.
const EF_CONSTRUCTION_MAX: i64 = 3_200;

/// What a function may make of the values in `OPTIONS`.
const OPTIONS_BYTES_MAX: usize = 1 << 20;
/// Functions that make moments, and those behind a dot of them; without an argument they mean now.
const MOMENTS: [&str; 5] = ["date", "datetime", "localdatetime", "time", "localtime"];

/// Gives the settings of an index, those that the statement leaves out included, by name.
pub(crate) fn settings(kind: IndexKind, given: Option<&Expression>, parameters: &Map) -> Result<IndexOptions, Failure> {
    let given = match given {
        None => Map::new(),
        Some(expression) => match value(expression, parameters)? {
            Value::Map(map) => Map::clone(&map),
            other => return Err(refused(kind, &format!("OPTIONS is a map, not {}", other.type_name()))),
        },
    };
    let mut config = Map::new();
    for (name, value) in &given {
        match (name.as_str(), value) {
            ("indexConfig", Value::Map(map)) => config = Map::clone(map),
            ("indexConfig", other) => {
                return Err(refused(kind, &format!("Expected a map from String to values, got {}", other.type_name())));
            }
            ("indexProvider", Value::String(name)) if provider(kind).contains(&name.as_str()) => {}
            ("indexProvider", Value::String(name)) => {
                return Err(refused(
                    kind,
                    &format!("Invalid index provider '{name}'. Supported: {:?}", provider(kind)),
                ));
            }
            _ => {
                let text = "Invalid option provided, valid options are `indexProvider` and `indexConfig`.";
                return Err(refused(kind, text));
            }
        }
    }
    match kind {
        IndexKind::Fulltext => fulltext(&config),
        IndexKind::Vector => vector(&config),
        _ => Ok(Vec::new()),
    }
}

/// The providers of a kind of index that a statement may name; the last one is what is shown.
fn provider(kind: IndexKind) -> &'static [&'static str] {
    match kind {
        IndexKind::Fulltext => &["fulltext-1.0"],
        IndexKind::Vector => &["vector-1.0", "vector-2.0"],
        _ => &[],
    }
}

fn fulltext(config: &Map) -> Result<IndexOptions, Failure> {
    let refused = |text: &str| refused(IndexKind::Fulltext, text);
    let (mut analyzer, mut lags) = (analyzer::DEFAULT, false);
    for (name, value) in config {
        match (name.as_str(), value) {
            (ANALYZER, Value::String(wanted)) => {
                let known = Analyzer::find(wanted);
                analyzer = known.ok_or_else(|| refused(&format!("No such full-text analyzer: '{wanted}'")))?.name;
            }
            (EVENTUALLY_CONSISTENT, Value::Boolean(wanted)) => lags = *wanted,
            (ANALYZER | EVENTUALLY_CONSISTENT, other) => {
                return Err(refused(&format!("`{name}` cannot be {}", other.type_name())));
            }
            _ => return Err(unknown(IndexKind::Fulltext, name, &[ANALYZER, EVENTUALLY_CONSISTENT])),
        }
    }
    Ok(vec![(ANALYZER.into(), analyzer.into()), (EVENTUALLY_CONSISTENT.into(), lags.into())])
}

/// Gives the settings of a vector index.
pub(crate) fn vector(config: &Map) -> Result<IndexOptions, Failure> {
    let refused = |text: String| refused(IndexKind::Vector, &text);
    let number = |name: &str, value: &Value, max: i64| match value {
        Value::Integer(number) if (1..=max).contains(number) => Ok(*number),
        Value::Integer(_) => Err(refused(format!("'{name}' must be between 1 and {max} inclusively"))),
        other => Err(refused(format!("'{name}' is an INTEGER, not {}", other.type_name()))),
    };
    let dimensions_max = i64::try_from(DIMENSIONS_MAX).unwrap_or(i64::MAX);
    let (mut m, mut ef) = (Settings::M_DEFAULT, Settings::EF_CONSTRUCTION_DEFAULT);
    let (mut similarity, mut quantizes, mut dimensions) = (Similarity::Cosine, true, None);
    for (name, value) in config {
        match (name.as_str(), value) {
            (options::DIMENSIONS, value) => dimensions = Some(number(name, value, dimensions_max)?),
            (options::M, value) => m = number(name, value, M_MAX)?,
            (options::EF_CONSTRUCTION, value) => ef = number(name, value, EF_CONSTRUCTION_MAX)?,
            (options::SIMILARITY, Value::String(wanted)) => {
                similarity = Similarity::find(wanted).ok_or_else(|| {
                    refused(format!(
                        "'{wanted}' is an unsupported vector similarity function for 'vector-2.0'. Supported: [COSINE, \
                         EUCLIDEAN]"
                    ))
                })?;
            }
            (options::QUANTIZATION, Value::Boolean(wanted)) => quantizes = *wanted,
            (options::SIMILARITY | options::QUANTIZATION, other) => {
                return Err(refused(format!("'{name}' cannot be {}", other.type_name())));
            }
            _ => {
                let known = [
                    options::DIMENSIONS,
                    options::EF_CONSTRUCTION,
                    options::M,
                    options::QUANTIZATION,
                    options::SIMILARITY,
                ];
                return Err(unknown(IndexKind::Vector, name, &known));
            }
        }
    }
    let mut settings: IndexOptions = vec![
        (options::EF_CONSTRUCTION.into(), ef.into()),
        (options::M.into(), m.into()),
        (options::QUANTIZATION.into(), quantizes.into()),
        (options::SIMILARITY.into(), similarity.name().into()),
    ];
    settings.extend(dimensions.map(|dimensions| (options::DIMENSIONS.into(), dimensions.into())));
    settings.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(settings)
}

/// Shows the settings of an index as `SHOW INDEXES` does: `indexProvider` and `indexConfig`.
pub(crate) fn shown(index: &IndexDefinition) -> Map {
    let config: Map = index.settings().cloned().collect();
    let mut map = Map::new();
    map.insert("indexConfig".into(), Value::map(config));
    map.insert("indexProvider".into(), shown_provider(index.kind).into());
    map
}

/// Gives the provider that an index of a kind is shown with.
pub(crate) fn shown_provider(kind: KeptKind) -> &'static str {
    match kind {
        KeptKind::Range => "range-1.0",
        KeptKind::Text => "text-2.0",
        KeptKind::Point => "point-1.0",
        KeptKind::Lookup => "token-lookup-1.0",
        KeptKind::FullText => "fulltext-1.0",
        KeptKind::Vector => "vector-2.0",
    }
}

/// Writes the settings of an index as a statement has them.
pub(crate) fn written(index: &IndexDefinition) -> String {
    let setting = |(name, value): &(CompactString, Value)| format!("`{name}`: {}", types::text::literal(value));
    let config: Vec<String> = index.settings().map(setting).collect();
    format!("OPTIONS {{indexConfig: {{{}}}, indexProvider: '{}'}}", config.join(", "), shown_provider(index.kind))
}

/// Reads a value of `OPTIONS`: a literal, a parameter, or a map or list of these.
pub(crate) fn value(expression: &Expression, parameters: &Map) -> Result<Value, Failure> {
    read(expression, parameters, None)
}

/// As [`value`], with functions of the moment too, in nanoseconds since 1970: `date('2020-01-01')`, `datetime()`.
pub(crate) fn value_at(expression: &Expression, parameters: &Map, now_nanos: i128) -> Result<Value, Failure> {
    read(expression, parameters, Some(now_nanos))
}

fn read(expression: &Expression, parameters: &Map, now_nanos: Option<i128>) -> Result<Value, Failure> {
    Ok(match &*expression.kind {
        ExpressionKind::Null => Value::Null,
        ExpressionKind::Boolean(value) => Value::Boolean(*value),
        ExpressionKind::Integer(value) => Value::Integer(*value),
        ExpressionKind::Float(value) => Value::Float(*value),
        ExpressionKind::String(text) => Value::String(text.clone()),
        ExpressionKind::Parameter(name) => parameters
            .get(&name.text)
            .cloned()
            .ok_or_else(|| Failure::new(Code::ParameterMissing, format!("Expected parameter(s): {}", name.text)))?,
        ExpressionKind::List(items) => {
            Value::list(items.iter().map(|item| read(item, parameters, now_nanos)).collect::<Result<_, _>>()?)
        }
        ExpressionKind::Map(entries) => {
            let mut map = Map::new();
            for (name, item) in entries {
                map.insert(name.text.clone(), read(item, parameters, now_nanos)?);
            }
            Value::map(map)
        }
        ExpressionKind::Call { name, distinct: false, arguments } => {
            call(&name.text, arguments, parameters, now_nanos)?
        }
        _ => {
            let text = "OPTIONS holds literals, parameters and functions of these only.";
            return Err(Failure::new(Code::ArgumentError, text));
        }
    })
}

/// Calls a function whose result depends on its arguments alone: clients send `toInteger($dimensions)`.
fn call(name: &str, arguments: &[Expression], parameters: &Map, now_nanos: Option<i128>) -> Result<Value, Failure> {
    let is_constant = |function: &query::functions::Function| {
        let kind = function.name.split('.').next().unwrap_or_default();
        function.deterministic || (now_nanos.is_some() && MOMENTS.contains(&kind))
    };
    let function = query::functions::find(name)
        .filter(|function| is_constant(function) && (function.arity.0..=function.arity.1).contains(&arguments.len()));
    let Some(query::functions::Kind::Scalar(run)) = function.map(|function| function.kind) else {
        let text = format!("OPTIONS cannot call '{name}' here.");
        return Err(Failure::new(Code::ArgumentError, text));
    };
    let arguments =
        arguments.iter().map(|argument| read(argument, parameters, now_nanos)).collect::<Result<Vec<_>, _>>()?;
    let mut context = query::functions::FunctionContext {
        statement_nanos: now_nanos.unwrap_or_default(),
        transaction_nanos: now_nanos.unwrap_or_default(),
        realtime_nanos: &|| now_nanos.unwrap_or_default(),
        random: &mut || 0,
        database: "",
        linenumber: None,
        file: None,
        memory_max_bytes: OPTIONS_BYTES_MAX,
        limit_bytes: OPTIONS_BYTES_MAX,
    };
    run(&mut context, &arguments)
}

fn unknown(kind: IndexKind, name: &str, known: &[&str]) -> Failure {
    refused(kind, &format!("'{name}' is an unrecognized setting. Supported: [{}]", known.join(", ")))
}

fn refused(kind: IndexKind, why: &str) -> Failure {
    let kind = match kind {
        IndexKind::Fulltext => "fulltext",
        IndexKind::Vector => "vector",
        _ => "this",
    };
    Failure::new(Code::ArgumentError, format!("Could not create {kind} index with specified OPTIONS. {why}"))
}
