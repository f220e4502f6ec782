//! The roles of a task: assumed by ECS for it, so that each role's trust policy really decides,
//! and every time anew, so that a role that is gone or no longer trusts gives nothing.

use model::estate::credentials::{self, Credentials};
use model::estate::ecs::Task;
use model::plane::{Asked, Plane};
use model::{Caller, Fault, Members, Value};

const SERVICE: &str = "ecs-tasks.amazonaws.com";
/// Seconds.
const LENGTH: i64 = 3600;

/// ECS, on behalf of this task: trust policies may ask for the account and the source.
fn ecs(task: &Task) -> Caller {
    Caller::service_for(SERVICE, &task.account, &task.arn())
}

/// A session of the role, named after the task: who it is, and its credentials.
pub(crate) async fn assume(plane: &Plane, task: &Task, role: &str) -> Result<(Caller, Credentials), Fault> {
    let mut input = Members::default();
    input.push("RoleArn", role);
    input.push("RoleSessionName", task.short_id());
    input.push("DurationSeconds", LENGTH);
    let asked = Asked {
        caller: ecs(task),
        service: "sts",
        operation: "AssumeRole",
        region: task.region.clone(),
        trace: String::new(),
        input: Value::Map(input),
    };
    let answer = plane.estate.ask(asked).await?;
    let given = answer.get("Credentials").cloned().unwrap_or_default();
    let text = |name: &str| given.text(name).unwrap_or_default().to_owned();
    let opened =
        credentials::open(&*plane.estate, &text("AccessKeyId"), &text("SessionToken"), plane.estate.now());
    let mut caller = opened.map_err(|_| Fault::internal("STS gave no session"))?.caller;
    if let Some(session) = &mut caller.session {
        session.issued_for = Some(task.arn());
    }
    // The same session once more, with the task that it is for.
    let minted = credentials::mint(&*plane.estate, caller.clone())?;
    caller.access_key = Some(minted.access_key.clone());
    Ok((caller, minted))
}

/// The execution role of a task, by which its start is prepared and its log is written.
pub(crate) struct Execution {
    role: String,
    session: tokio::sync::Mutex<Option<Caller>>,
}

impl Execution {
    pub(crate) fn new(role: &str) -> Execution {
        Execution { role: role.to_owned(), session: tokio::sync::Mutex::default() }
    }

    async fn caller(&self, plane: &Plane, task: &Task) -> Result<Caller, Fault> {
        let mut session = self.session.lock().await;
        let fresh =
            |c: &Caller| c.session.as_ref().is_some_and(|s| s.expires > plane.estate.now().plus_seconds(300));
        if let Some(caller) = session.as_ref().filter(|c| fresh(c)) {
            return Ok(caller.clone());
        }
        let (caller, _) = assume(plane, task, &self.role).await?;
        *session = Some(caller.clone());
        Ok(caller)
    }

    /// Calls an operation as the execution role.
    pub(crate) async fn call(
        &self,
        plane: &Plane,
        task: &Task,
        to: To<'_>,
        input: Value,
    ) -> Result<Value, Fault> {
        let caller = self.caller(plane, task).await?;
        let asked = Asked {
            caller,
            service: to.service,
            operation: to.operation,
            region: to.region.to_owned(),
            trace: String::new(),
            input,
        };
        plane.estate.ask(asked).await
    }
}

/// Which operation, and where.
#[derive(Clone, Copy)]
pub(crate) struct To<'a> {
    pub(crate) service: &'a str,
    pub(crate) operation: &'a str,
    pub(crate) region: &'a str,
}
