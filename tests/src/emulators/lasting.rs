//! Emulators of stores with a folder and ports of their own, which can stand still, die, and start
//! again with what they have kept.

use std::process::Command;
use std::sync::{Mutex, PoisonError};

use super::server::free_port;
use super::{Emulator, dynamodb_command, dynamodb_is_ready, s3_command, s3_is_ready};
use crate::lambda::signal;

/// Emulator that can be stopped and started again. It ends with this value.
#[derive(Debug)]
pub struct LastingEmulator {
    /// Endpoint: `http://127.0.0.1:<port>`.
    pub endpoint: String,
    kind: StoreKind,
    folder: tempfile::TempDir,
    ports: [u16; 4],
    pid: Mutex<u32>,
}

/// Store that is emulated.
#[derive(Clone, Copy, Debug)]
enum StoreKind {
    S3,
    DynamoDb,
}

impl LastingEmulator {
    /// Starts an S3.
    pub async fn s3() -> Self {
        Self::begin(StoreKind::S3).await
    }

    /// Starts a `DynamoDB`.
    pub async fn dynamodb() -> Self {
        Self::begin(StoreKind::DynamoDb).await
    }

    async fn begin(kind: StoreKind) -> Self {
        let ports = [(); 4].map(|()| free_port());
        let endpoint = format!("http://127.0.0.1:{}", ports[0]);
        let folder = tempfile::tempdir().expect("a folder");
        let server = Self { endpoint, kind, folder, ports, pid: Mutex::new(0) };
        server.start().await;
        server
    }

    /// Starts it, with what it has kept, and waits until it answers.
    pub async fn start(&self) {
        let (name, command) = self.command();
        let server = super::start(name, command, self.ports[0]);
        *self.pid.lock().unwrap_or_else(PoisonError::into_inner) = server.pid;
        match self.kind {
            StoreKind::S3 => s3_is_ready(&server).await,
            StoreKind::DynamoDb => dynamodb_is_ready(&server).await,
        }
    }

    fn command(&self) -> (&'static str, Command) {
        let folder = self.folder.path();
        match self.kind {
            StoreKind::S3 => ("SeaweedFS", s3_command(folder, self.ports)),
            StoreKind::DynamoDb => {
                ("DynamoDB Local", dynamodb_command(self.ports[0], Some(folder)))
            }
        }
    }

    /// Kills it: connections break, and new ones are refused.
    pub fn kill(&self) {
        self.signal("KILL");
    }

    /// Makes it stand still: it takes requests and answers none.
    pub fn freeze(&self) {
        self.signal("STOP");
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal("CONT");
    }

    /// Returns the running process as an emulator.
    #[must_use]
    pub fn server(&self) -> Emulator {
        Emulator { endpoint: self.endpoint.clone(), pid: self.pid() }
    }

    fn pid(&self) -> u32 {
        *self.pid.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }
}

impl Drop for LastingEmulator {
    fn drop(&mut self) {
        self.kill();
    }
}
