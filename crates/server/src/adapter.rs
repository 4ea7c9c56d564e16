//! An instance behind the faces: each call goes to the instance's own session.

use std::sync::Arc;

use instance::Instance;
use types::{CompactString, Failure, Map};

use crate::sessions::{
    Charged, Credentials, Fetched, Health, Interrupter, Lent, More, Origin, PASSED_ROWS, Quota, Records, RunOptions,
    Session, Sessions, Standing, Summary,
};

fn user(credentials: &Credentials) -> Option<(&str, &str)> {
    match credentials {
        Credentials::None => None,
        Credentials::Basic { user, password } => Some((user, password)),
    }
}

impl Sessions for Instance {
    fn log_in(&self, credentials: &Credentials) -> Result<Box<dyn Session>, Failure> {
        Ok(Box::new(Instance::log_in(self, user(credentials))?))
    }

    fn log_in_from(&self, credentials: &Credentials, address: &str) -> Result<Box<dyn Session>, Failure> {
        Ok(Box::new(Instance::log_in_from(self, user(credentials), Some(address))?))
    }

    fn metrics(&self) -> Option<String> {
        Some(self.metrics())
    }

    fn metrics_in_total(&self) -> Option<String> {
        Some(self.metrics_in_total())
    }

    fn health(&self) -> Health {
        self.health()
    }

    fn quota(&self, database: &str) -> Option<Quota> {
        self.quota(database)
    }
}

impl Session for instance::Session {
    fn user(&self) -> String {
        self.user()
    }

    fn identity(&self) -> String {
        self.identity()
    }

    fn key(&self) -> String {
        self.key()
    }

    fn owns(&self, key: &str) -> bool {
        self.owns(key)
    }

    fn is_operator(&self) -> bool {
        self.is_operator()
    }

    fn is_ended(&self) -> bool {
        self.is_ended()
    }

    fn credentials_expired(&self) -> bool {
        self.credentials_expired()
    }

    fn resolve(&mut self, database: Option<&str>) -> Result<String, Failure> {
        self.resolve(database)
    }

    fn resolve_as(&mut self, database: Option<&str>, user: Option<&str>) -> Result<String, Failure> {
        self.resolve_as(database, user)
    }

    fn run(&mut self, text: &str, parameters: Map, options: &RunOptions) -> Result<Box<dyn Records>, Failure> {
        Ok(Box::new(self.run(text, parameters, options)?))
    }

    fn begin(&mut self, options: &RunOptions) -> Result<(), Failure> {
        self.begin(options)
    }

    fn commit(&mut self) -> Result<Option<String>, Failure> {
        self.commit()
    }

    fn rollback(&mut self) -> Result<(), Failure> {
        self.rollback()
    }

    fn reset(&mut self) {
        self.reset();
    }

    fn lend(&self, bytes: usize) -> Result<Lent, Failure> {
        Ok(Box::new(self.lend(bytes)?))
    }

    fn rests(&mut self) {
        self.rests();
    }

    fn interrupter(&self) -> Interrupter {
        let interrupter = self.interrupter();
        Arc::new(move || interrupter.interrupt())
    }

    fn enlist(&mut self) -> Result<Option<String>, Failure> {
        self.enlist().map(Some)
    }

    fn open_object(&mut self) -> Result<String, Failure> {
        self.open_object()
    }

    fn resume(&mut self, id: &str) -> Result<(), Failure> {
        self.resume(id)
    }

    fn comes_from(&mut self, origin: Origin) {
        self.comes_from(origin);
    }

    fn carry_choice(&mut self) {
        self.carry_choice();
    }

    fn metrics(&mut self) -> Result<Option<String>, Failure> {
        instance::Session::metrics(self).map(Some)
    }

    fn charged(&self) -> Charged {
        self.charged()
    }

    fn standing(&mut self, database: Option<&str>) -> Result<Standing, Failure> {
        self.standing(database)
    }
}

impl Records for instance::Records {
    fn columns(&self) -> &[CompactString] {
        self.columns()
    }

    fn pull(&mut self, rows_max: usize, fetched: &mut Fetched) -> Result<More, Failure> {
        self.pull(rows_max, fetched)
    }

    fn is_ended(&self) -> bool {
        self.is_ended()
    }

    fn pass_over(&mut self) -> Result<(), Failure> {
        // Rows that are still to be computed are only read: a statement that writes has all of its own by now. One
        // round is computed, because clients that want no rows still want to hear of a division by zero.
        self.pull(PASSED_ROWS, &mut Fetched::default()).map(drop)
    }

    fn summary(&mut self) -> Summary {
        self.summary()
    }
}
