//! Emulators that a test has for itself, and whose content outlasts their processes.

use std::path::PathBuf;
use std::process::Command;

use super::{
    Emulator, dynamodb_command, dynamodb_is_ready, free_port, s3_command, s3_is_ready, start,
    throw_away, until,
};

/// Store that an emulator stands in for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EmulatedStore {
    S3,
    DynamoDb,
}

/// Emulator that can be killed, and started again with what it held, at the same port.
#[derive(Debug)]
pub struct LastingEmulator {
    store: EmulatedStore,
    ports: [u16; 4],
    folder: PathBuf,
    /// Its present process.
    pub server: Emulator,
}

impl LastingEmulator {
    /// Starts an emulator of S3.
    pub async fn s3() -> Self {
        Self::new(EmulatedStore::S3).await
    }

    /// Starts an emulator of `DynamoDB`.
    pub async fn dynamodb() -> Self {
        Self::new(EmulatedStore::DynamoDb).await
    }

    async fn new(store: EmulatedStore) -> Self {
        let ports = [(); 4].map(|()| free_port());
        let folder = throw_away("lasting");
        let nowhere = Emulator { endpoint: String::new(), pid: 0 };
        let mut emulator = Self { store, ports, folder, server: nowhere };
        emulator.start_again().await;
        emulator
    }

    /// Starts a process, after the former one was killed.
    pub async fn start_again(&mut self) {
        let (name, command) = match self.store {
            EmulatedStore::S3 => ("SeaweedFS", s3_command(self.ports, &self.folder)),
            EmulatedStore::DynamoDb => {
                ("DynamoDB Local", dynamodb_command(self.ports[0], Some(&self.folder)))
            }
        };
        let ports = self.ports;
        // The kernel frees the ports a moment after the death of the process.
        until(name, async || ports.iter().all(|port| super::is_free(*port))).await;
        self.server = start(name, command, self.ports[0]);
        match self.store {
            EmulatedStore::S3 => s3_is_ready(&self.server).await,
            EmulatedStore::DynamoDb => dynamodb_is_ready(&self.server).await,
        }
    }

    /// Sends a signal to its process: `STOP`, `CONT`, `KILL`.
    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args(["-s", signal, &self.server.pid.to_string()]).status();
        assert!(sent.expect("kill runs").success(), "{signal} to {}", self.server.pid);
    }
}
