//! Over HTTP: a server in this process on a free port, and the Query API with typed values.
//! A client of a few lines, so that the tests do not share mistakes with the server.
//! Start reading at [`Http`].

mod values;

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use base64::Engine;
use serde_json::{Value as Json, json};
use server::sessions::Sessions;
use server::{Server, ServerConfig};
use types::{Code, Map};

use super::{Answer, Problem, Session, System};

/// Keys of the answer's `counters`, and how a script names them.
const CHANGES: [(&str, &str); 11] = [
    ("nodesCreated", "nodes created"),
    ("nodesDeleted", "nodes deleted"),
    ("relationshipsCreated", "relationships created"),
    ("relationshipsDeleted", "relationships deleted"),
    ("propertiesSet", "properties set"),
    ("labelsAdded", "labels added"),
    ("labelsRemoved", "labels removed"),
    ("indexesAdded", "indexes added"),
    ("indexesRemoved", "indexes removed"),
    ("constraintsAdded", "constraints added"),
    ("constraintsRemoved", "constraints removed"),
];

/// A server that listens until it is dropped.
pub struct Http(Server);

impl Http {
    /// Starts a server over these sessions.
    ///
    /// # Errors
    ///
    /// No port is free.
    pub fn start(sessions: Arc<dyn Sessions>) -> Result<Self, String> {
        let config = ServerConfig { bolt_addr: None, worker_threads: Some(1), ..ServerConfig::on_free_ports() };
        Server::start(sessions, config).map(Self).map_err(|error| error.to_string())
    }
}

impl System for Http {
    fn session_with(&self, user: &str, password: &str) -> Result<Box<dyn Session>, Problem> {
        let address = self.0.http_addr().ok_or_else(|| lost("HTTP is off".to_owned()))?;
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        Ok(Box::new(HttpSession { address, authorization: format!("Authorization: Basic {pair}\r\n") }))
    }
}

/// HTTP keeps no session: each statement stands alone.
struct HttpSession {
    address: SocketAddr,
    authorization: String,
}

impl Session for HttpSession {
    fn run(&mut self, text: &str, parameters: Map) -> Result<Answer, Problem> {
        let parameters: serde_json::Map<String, Json> =
            parameters.iter().map(|(name, value)| (name.to_string(), values::write(value))).collect();
        let body = json!({"statement": text, "parameters": parameters, "includeCounters": true});
        let answer = self
            .post(&body.to_string())
            .and_then(|text| serde_json::from_str::<Json>(&text).map_err(|error| format!("{error} in {text}")));
        answer.map_err(lost).and_then(|answer| read_answer(&answer))
    }
}

impl HttpSession {
    fn post(&self, body: &str) -> Result<String, String> {
        let request = format!(
            "POST /db/sheaf/query/v2 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{}\
             Content-Type: application/vnd.neo4j.query\r\nAccept: application/vnd.neo4j.query\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.authorization,
            body.len()
        );
        let mut stream = TcpStream::connect(self.address).map_err(|error| error.to_string())?;
        stream.write_all(request.as_bytes()).map_err(|error| error.to_string())?;
        read_body(&mut BufReader::new(stream)).map_err(|error| error.to_string())
    }
}

/// Reads an answer's body: as long as it says, in chunks, or up to the end.
fn read_body(reader: &mut impl BufRead) -> std::io::Result<String> {
    let (mut length, mut chunked) = (None, false);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse::<usize>().ok();
        }
        chunked |= line.starts_with("transfer-encoding:") && line.contains("chunked");
    }
    let mut body = Vec::new();
    if chunked {
        read_chunks(reader, &mut body)?;
    } else if let Some(length) = length {
        body.resize(length, 0);
        reader.read_exact(&mut body)?;
    } else {
        reader.read_to_end(&mut body)?;
    }
    String::from_utf8(body).map_err(std::io::Error::other)
}

fn read_chunks(reader: &mut impl BufRead, body: &mut Vec<u8>) -> std::io::Result<()> {
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let length = usize::from_str_radix(line.trim(), 16).map_err(std::io::Error::other)?;
        if length == 0 {
            return Ok(());
        }
        let start = body.len();
        body.resize(start + length, 0);
        reader.read_exact(&mut body[start..])?;
        reader.read_line(&mut line)?;
    }
}

fn lost(reason: String) -> Problem {
    Problem { codes: vec![Code::Internal], message: reason }
}

fn read_answer(answer: &Json) -> Result<Answer, Problem> {
    if let Some(error) = answer["errors"].as_array().and_then(|errors| errors.first()) {
        let text = |key: &str| error[key].as_str().unwrap_or_default().to_owned();
        return Err(Problem::from_status(&text("code"), text("message")));
    }
    let list = |value: &Json| value.as_array().cloned().unwrap_or_default();
    let columns: Vec<String> =
        list(&answer["data"]["fields"]).iter().filter_map(|name| name.as_str().map(str::to_owned)).collect();
    let mut records = Vec::new();
    if !columns.is_empty() {
        for row in list(&answer["data"]["values"]) {
            records.push(list(&row).iter().map(values::read).collect::<Result<Vec<_>, String>>().map_err(lost)?);
        }
    }
    let changes = CHANGES.iter().map(|(key, name)| (*name, answer["counters"][key].as_u64().unwrap_or_default()));
    let plan = ["queryPlan", "profiledQueryPlan"].iter().find_map(|key| answer.get(key)).map(|plan| {
        let mut out = String::new();
        write_plan(plan, 0, &mut out);
        out
    });
    Ok(Answer { columns, records, changes: changes.collect(), plan })
}

fn write_plan(plan: &Json, depth: usize, out: &mut String) {
    let operator = plan["operatorType"].as_str().unwrap_or_default();
    super::plan_line(operator, plan["arguments"]["Details"].as_str(), depth, out);
    if let Some(children) = plan["children"].as_array() {
        children.iter().for_each(|child| write_plan(child, depth + 1, out));
    }
}
