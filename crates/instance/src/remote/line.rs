//! Lines to other machines: names are looked up, addresses judged, and sockets read in short waits.
//! Leaves HTTP and TLS to the client library, which asks here for each step and for each redirect anew.
//! Start reading at [`Gate::resolve`], then [`Line`].

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use catalog::GraphRights;
use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport};

use super::hosts::Hosts;
use super::watch::{LOOK_EVERY, Watch};

/// How long one address may take to answer the first time.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// Addresses of one name that are tried; as many as the client library takes.
const ADDRESSES_MAX: usize = 16;

/// Which addresses may be read: by the server's settings, and by the rights of who loads.
#[derive(Debug)]
pub(super) struct Fence {
    pub hosts: Arc<Hosts>,
    pub loader: Option<Arc<GraphRights>>,
}

/// An address that the settings allow, and the rights of who loads do not.
#[derive(Debug, thiserror::Error)]
#[error("loading from there is not granted")]
pub(super) struct NotGranted;

impl Fence {
    fn allows(&self, host: &str, address: IpAddr) -> bool {
        self.hosts.allow(host, address) && self.grants(address)
    }

    fn grants(&self, address: IpAddr) -> bool {
        self.loader.as_ref().is_none_or(|rights| rights.load.allows_address(address))
    }

    /// Says why an address is not read.
    fn refused(&self, host: &str, address: IpAddr) -> Error {
        if self.grants(address) {
            refused(&not_allowed(host, address))
        } else {
            Error::Io(io::Error::other(NotGranted))
        }
    }
}

/// Finds and judges the addresses of hosts.
pub(super) struct Gate {
    pub fence: Fence,
    pub watch: Watch,
    /// Whether a step was encrypted: then all that follow have to be.
    pub is_secret: AtomicBool,
}

impl Resolver for Gate {
    fn resolve(&self, uri: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let (host, port) = self.place(uri)?;
        let name = host.clone();
        let found = self.watch.aside(move || (name.as_str(), port).to_socket_addrs().map(Iterator::collect));
        let found: Vec<SocketAddr> =
            found.map_err(|error| refused(&format!("the host \"{host}\" was not found: {error}")))?;
        let mut allowed = self.empty();
        found.iter().filter(|address| self.fence.allows(&host, address.ip())).take(ADDRESSES_MAX).for_each(|address| {
            allowed.push(*address);
        });
        match found.first() {
            None => Err(refused(&format!("the host \"{host}\" has no address"))),
            Some(first) if allowed.is_empty() => Err(self.fence.refused(&host, first.ip())),
            Some(_) => Ok(allowed),
        }
    }
}

impl Gate {
    /// Gives host and port of a step.
    fn place(&self, uri: &Uri) -> Result<(String, u16), Error> {
        let port = match uri.scheme_str() {
            Some("https") => {
                self.is_secret.store(true, Ordering::Relaxed);
                443
            }
            Some("http") if self.is_secret.load(Ordering::Relaxed) => {
                return Err(refused("it leads from https to http, where others could read along"));
            }
            Some("http") => 80,
            _ => return Err(refused(super::NO_ADDRESS)),
        };
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(refused("the address names no host"));
        }
        Ok((host.to_owned(), uri.port_u16().unwrap_or(port)))
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Gate").field("fence", &self.fence).finish_non_exhaustive()
    }
}

/// Opens sockets to addresses that were judged.
pub(super) struct Dialer {
    pub fence: Fence,
    pub watch: Watch,
}

impl Connector<()> for Dialer {
    type Out = Line;

    fn connect(&self, details: &ConnectionDetails<'_>, _: Option<()>) -> Result<Option<Line>, Error> {
        let host = details.uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let mut failed = Error::ConnectionFailed;
        for address in &details.addrs {
            match self.dial(*address) {
                Ok(socket) => {
                    let peer = socket.peer_addr()?.ip();
                    // The address was judged when it was found; this one is the one that answers.
                    if !self.fence.allows(host, peer) {
                        return Err(self.fence.refused(host, peer));
                    }
                    let buffers =
                        LazyBuffers::new(details.config.input_buffer_size(), details.config.output_buffer_size());
                    return Ok(Some(Line { socket, buffers, watch: self.watch.clone() }));
                }
                Err(error) => failed = error.into(),
            }
        }
        Err(failed)
    }
}

impl Dialer {
    fn dial(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let socket = self.watch.aside(move || TcpStream::connect_timeout(&address, CONNECT_MAX))?;
        socket.set_read_timeout(Some(LOOK_EVERY))?;
        socket.set_write_timeout(Some(LOOK_EVERY))?;
        socket.set_nodelay(true)?;
        Ok(socket)
    }
}

impl fmt::Debug for Dialer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Dialer").field("fence", &self.fence).finish_non_exhaustive()
    }
}

/// A socket to another machine.
pub(super) struct Line {
    socket: TcpStream,
    buffers: LazyBuffers,
    watch: Watch,
}

impl Transport for Line {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), Error> {
        let mut left = &self.buffers.output()[..amount];
        while !left.is_empty() {
            match self.watch.wait(|| self.socket.write(left))? {
                0 => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                written => left = &left[written..],
            }
        }
        Ok(())
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, Error> {
        let room = self.buffers.input_append_buf();
        let amount = self.watch.wait(|| self.socket.read(room))?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        // Each address gets a socket of its own: nothing is kept for the next one.
        false
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Line").field("socket", &self.socket).finish_non_exhaustive()
    }
}

/// A step that is not taken.
fn refused(why: &str) -> Error {
    Error::Io(io::Error::other(why.to_owned()))
}

fn not_allowed(host: &str, address: IpAddr) -> String {
    let found = if host.parse() == Ok(address) { String::new() } else { format!(", which is {address},") };
    format!(
        "the host \"{host}\"{found} is not among those that the setting import_hosts allows; \
         addresses of the own network have to be named there"
    )
}
