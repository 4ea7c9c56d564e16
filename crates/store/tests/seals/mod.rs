//! A server's keys for tests: they hide nothing, and they can be taken away, added and changed.

use std::sync::{Arc, Mutex};

use store::crypt::SealsKeys;

/// Keys of one byte; the last one seals, all of them open.
pub struct Keys(pub Mutex<Vec<u8>>);

impl Keys {
    /// Makes a ring with one key.
    pub fn of(key: u8) -> Arc<Self> {
        Arc::new(Self(Mutex::new(vec![key])))
    }
}

impl SealsKeys for Keys {
    fn seal(&self, context: &str, secret: &[u8]) -> Vec<u8> {
        let key = *self.0.lock().expect("no test panics in here").last().expect("a key");
        let mut sealed = vec![key, u8::try_from(context.len()).expect("contexts are short")];
        sealed.extend_from_slice(context.as_bytes());
        sealed.extend(secret.iter().map(|byte| byte ^ key));
        sealed
    }

    fn unseal(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, String> {
        let key = sealed[0];
        if !self.0.lock().expect("no test panics in here").contains(&key) {
            return Err(format!("sealed with the key {key:02x}, which is not here"));
        }
        let (found, secret) = sealed[2..].split_at(sealed[1].into());
        if found != context.as_bytes() {
            return Err("sealed for something else".to_owned());
        }
        Ok(secret.iter().map(|byte| byte ^ key).collect())
    }

    fn renew(&self, context: &str, sealed: &[u8]) -> Result<Option<Vec<u8>>, String> {
        let newest = *self.0.lock().expect("no test panics in here").last().expect("a key");
        if newest == sealed[0] {
            return Ok(None);
        }
        self.unseal(context, sealed).map(|secret| Some(self.seal(context, &secret)))
    }
}
