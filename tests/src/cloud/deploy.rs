//! Deployment of the resources of the template.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws::S3Store;
use serde_json::json;
use sim::HttpFace;

use super::{Cloud, Plan};
use crate::emulators::{self, environment};
use crate::lambda::{Function, Lambda};
use crate::proxy::Proxy;
use crate::scene::{binary, settled_account};

/// Template of the stack.
const TEMPLATE: &str = include_str!("../../../infra/template.yaml");

impl Cloud {
    /// Makes the resources of the template, and hosts the functions.
    #[expect(clippy::too_many_lines, reason = "the resources of the template, one after the other")]
    pub async fn deploy(plan: Plan) -> Self {
        let [s3, dynamodb] = if let Some(stores) = &plan.stores {
            stores.each_ref().map(|store| store.server())
        } else {
            let (s3, dynamodb) = tokio::join!(emulators::s3(), emulators::dynamodb());
            [s3.clone(), dynamodb.clone()]
        };
        let moto = emulators::moto().await;
        let bucket = emulators::new_bucket(&s3, "lake").await;
        let table = emulators::new_table(&dynamodb, "state").await;
        let name = bucket.replace("lake", "stack");
        let aws = moto.aws().await;
        let secrets = aws.secrets().await;
        let made = secrets.create_secret().name(&name).set_secret_string(plan.secret.clone());
        let secret = made.send().await.expect("a secret").arn.expect("an ARN");
        let sqs = aws_sdk_sqs::Client::new(aws.config().await);
        let queue = async |hint: &str| {
            let made = sqs.create_queue().queue_name(format!("{name}-{hint}")).send().await;
            made.expect("a queue").queue_url.expect("a URL")
        };
        let (failures, news) = (queue("failures").await, queue("news").await);
        subscribe(&aws, &sqs, &name, &news).await;
        let account = settled_account(&plan.scale, plan.seed);
        let served = sim::serve(Arc::new(Mutex::new(account)), HttpFace::local()).await;
        let served = served.expect("a port");
        served.with(|account| {
            account.set_general_limit(sim::QuotaLimit::GENERAL.read("off").expect("off"));
            account.set_report_limit(sim::QuotaLimit::REPORTS.read("off").expect("off"));
        });
        let endpoints = |s3: &str, dynamodb: &str| {
            environment(&[
                ("S3", s3),
                ("DYNAMODB", dynamodb),
                ("SECRETS_MANAGER", &moto.endpoint),
                ("EVENTBRIDGE", &moto.endpoint),
            ])
        };
        let environment = endpoints(&s3.endpoint, &dynamodb.endpoint);
        let mut variables = environment.clone();
        let (mut proxies, mut base_url) = (Vec::new(), served.base_url());
        if let Some((seed, percent)) = plan.faults {
            for server in [&s3, &dynamodb] {
                proxies.push(Proxy::start(&server.endpoint, seed, percent).await);
            }
            if let [s3, dynamodb] = &proxies[..] {
                variables = endpoints(&s3.endpoint, &dynamodb.endpoint);
            }
            let harvest = base_url.trim_end_matches("/v2");
            proxies.push(Proxy::start(harvest, seed, 0).await);
            base_url = base_url.replace(harvest, &proxies[2].endpoint);
        }
        let (lake, state) = (format!("s3://{bucket}/lake"), format!("dynamodb://{table}"));
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("functions.log");
        let settings = [
            ("HARVEST_ACCOUNT_ID", plan.scale.account_id.to_string()),
            ("HARVEST_BASE_URL", base_url),
            ("HARVEST_SECRET_ARN", secret.clone()),
            ("HARVEST_LAKE", lake.clone()),
            ("HARVEST_STATE", state.clone()),
            ("HARVEST_WORKER", "worker".to_owned()),
            ("HARVEST_SMALL_WORKER", "small-worker".to_owned()),
            ("HARVEST_EVENT_BUS", "default".to_owned()),
            ("HARVEST_METRICS", "all".to_owned()),
            ("HARVEST_GENERAL", "100000/1s".to_owned()),
            ("HARVEST_REPORTS", "100000/1s".to_owned()),
        ];
        let settings = settings.into_iter().chain(plan.variables.clone());
        variables.extend(settings.map(|(name, value)| (name.to_owned(), value)));
        let (lambda, _) = Lambda::host(plan.conduct, Some(sqs), |endpoint| {
            variables.push(("AWS_ENDPOINT_URL_LAMBDA".to_owned(), endpoint.to_owned()));
            let function = |name: &str, program: &str, memory, timeout, concurrency| Function {
                name: name.to_owned(),
                bootstrap: binary(program),
                variables: variables.clone(),
                timeout,
                memory,
                concurrency,
                retries: retries(name),
                failure_queue: Some(failures.clone()),
                log: Some(log.clone()),
            };
            vec![
                function("orchestrator", "orchestrator", 256, Duration::from_mins(2), 1),
                function("worker", "worker", 1769, plan.timeout, 8),
                function("small-worker", "worker", 256, plan.timeout, 8),
                function("publisher", "publisher", 512, Duration::from_mins(5), 1),
            ]
        })
        .await;
        let client = s3.aws().await.s3().await;
        let store = Arc::new(S3Store::new(client, bucket, "lake"));
        Self {
            served,
            lambda,
            store,
            lake,
            state,
            environment,
            proxies,
            log,
            dynamodb,
            secret,
            failures,
            news,
            folder,
        }
    }
}

/// Number of times that Lambda tries an event of this function again, according to the template.
fn retries(function: &str) -> u32 {
    let resource = match function {
        "orchestrator" => "\n  Orchestrator:\n",
        "small-worker" => "\n  SmallWorker:\n",
        "publisher" => "\n  Publisher:\n",
        _ => "\n  Worker:\n",
    };
    let (_, own) = TEMPLATE.split_once(resource).expect("a function of the template");
    let (_, found) = own.split_once("      EventInvokeConfig:").expect("how it is invoked");
    let (_, attempts) = found.split_once("MaximumRetryAttempts: ").expect("how often");
    attempts.lines().next().and_then(|number| number.parse().ok()).expect("a number")
}

/// Sends the events that the functions put on the default bus to `queue`.
async fn subscribe(aws: &aws::AwsClients, sqs: &aws_sdk_sqs::Client, name: &str, queue: &str) {
    use aws_sdk_eventbridge::types::Target;
    use aws_sdk_sqs::types::QueueAttributeName::QueueArn;
    let asked = sqs.get_queue_attributes().queue_url(queue).attribute_names(QueueArn);
    let found = asked.send().await.expect("attributes").attributes.expect("attributes");
    let events = aws.events().await;
    let pattern = json!({ "source": [runtime::announce::SOURCE] }).to_string();
    events.put_rule().name(name).event_pattern(pattern).send().await.expect("a rule");
    let target = Target::builder().id("1").arn(&found[&QueueArn]).build().expect("a target");
    events.put_targets().rule(name).targets(target).send().await.expect("a target");
}
