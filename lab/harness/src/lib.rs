//! An estate of its own for each test: the real evaluator, the real log and store in a
//! temporary folder, without sockets. A test calls operations with JSON and looks at what comes back.
//!
//! ```ignore
//! let world = World::new(vec![&service_kms::SERVICE]);
//! let admin = world.admin();
//! let key = world.call(&admin, "kms", "CreateKey", json!({})).unwrap();
//! let nobody = world.user("nobody", None);                       // no policy at all
//! assert_eq!(world.call(&nobody, "kms", "ListKeys", json!({})).unwrap_err().code, "AccessDeniedException");
//! ```
#![allow(clippy::expect_used, clippy::panic, reason = "a harness for tests: what fails here fails the test")]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use estate::{Estate, Opening};
use model::estate::iam::{InlinePolicy, User};
use model::graph::Change;
use model::plane::{Calls as _, Incoming, Report};
use model::tx::{Delta, Settings};
use model::{
    AccountId, Caller, CallerKind, Fault, Host as _, Origin, PolicyText, Service, Tags, Timestamp, Value,
};
use serde_json::Value as Json;

/// A running estate in a temporary folder, removed when dropped.
pub struct World {
    pub estate: Arc<Estate>,
    runtime: tokio::runtime::Runtime,
    folder: PathBuf,
}

/// The account of [`World::admin`].
pub const ACCOUNT: &str = "111122223333";
pub const REGION: &str = "us-east-1";
const ADMIN: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

impl World {
    pub fn new(services: Vec<&'static Service>) -> World {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("countersign-world-{}-{number}", std::process::id()));
        let settings = Settings { endpoint: "https://127.0.0.1:4566".to_owned(), ..Settings::default() };
        let estate = Estate::open(Opening { data: &folder, settings, services }).expect("the estate opens");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let world = World { estate, runtime, folder };
        let founding = world
            .estate
            .registry()
            .services
            .iter()
            .flat_map(|s| (s.service.founding)())
            .map(Change::Put)
            .collect();
        world.change(founding);
        world
    }

    /// A user of [`ACCOUNT`] who may do everything that identity policies can give.
    pub fn admin(&self) -> Caller {
        self.user("admin", Some(ADMIN))
    }

    /// A user of [`ACCOUNT`] with this policy, or none.
    pub fn user(&self, name: &str, policy: Option<&str>) -> Caller {
        self.user_in(ACCOUNT, name, policy)
    }

    /// A user of any account.
    pub fn user_in(&self, account: &str, name: &str, policy: Option<&str>) -> Caller {
        let account = AccountId::parse(account).expect("an account id");
        let inline =
            |text: &str| InlinePolicy { name: "test".to_owned(), document: PolicyText::new(text, None) };
        let user = User {
            account: account.clone(),
            name: name.to_owned(),
            path: "/".to_owned(),
            id: format!("AIDA{}", name.to_ascii_uppercase()),
            created: Timestamp(0),
            inline: policy.into_iter().map(inline).collect(),
            attached: Vec::new(),
            groups: Vec::new(),
            boundary: None,
            tags: Tags::new(),
        };
        let caller = Caller {
            arn: user.arn(),
            principal_id: user.id.clone(),
            kind: CallerKind::User { name: name.to_owned() },
            account,
            access_key: None,
            session: None,
        };
        self.change(vec![Change::Put(Arc::new(user))]);
        caller
    }

    /// Changes the graph past every door, to set a scene.
    pub fn change(&self, changes: Vec<Change>) {
        if !changes.is_empty() {
            self.estate.set_scene(Delta { changes, ..Delta::default() }).expect("the scene is set");
        }
    }

    /// Calls an operation with JSON as its input (names as in the API; blobs in base64) and gives its output as JSON.
    pub fn call(&self, caller: &Caller, service: &str, operation: &str, input: Json) -> Result<Json, Fault> {
        self.call_value(caller, service, operation, Value::from_json(input)).map(|v| v.to_json())
    }

    /// The same with documents.
    pub fn call_value(
        &self,
        caller: &Caller,
        service: &str,
        operation: &str,
        input: Value,
    ) -> Result<Value, Fault> {
        let served =
            self.estate.registry().service(service).unwrap_or_else(|| panic!("no service `{service}`"));
        let found =
            served.operation(operation).unwrap_or_else(|| panic!("no operation `{service}:{operation}`"));
        let shape =
            served.api.operation(operation).unwrap_or_else(|| panic!("`{operation}` is not in the model"));
        if let Some(shape) = shape.input {
            wire::validate(&served.api, shape, &input)?;
        }
        let mut id = [0; 16];
        self.estate.random(&mut id);
        let id = model::tx::uuid_from(id);
        let incoming = Incoming {
            served,
            operation: found,
            caller: caller.clone(),
            origin: Origin { host: "127.0.0.1:4566".to_owned(), ..Origin::internal("test") },
            request_id: id.clone(),
            trace: id,
            region: REGION.to_owned(),
            account: None,
            input,
            job: false,
        };
        self.runtime.block_on(self.estate.call(incoming))
    }

    /// Gives a service's job what a loop outside the graph would have seen.
    pub fn report(&self, service: &str, job: &str, payload: Json) -> Result<(), Fault> {
        let account = AccountId::parse(ACCOUNT).expect("an account id");
        let report = Report { service, job, account, region: REGION.to_owned(), payload };
        self.runtime.block_on(self.estate.report(report)).map(|_| ())
    }

    /// Runs every scheduled job that is due at `now`, as the schedule would.
    pub fn run_jobs_until(&self, now: Timestamp) {
        self.runtime.block_on(self.estate.run_due(now)).expect("the jobs run");
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
