//! SecureCart, a small shop: one program, a service for each part, all behind the gateway.
//! It knows nothing of where it runs: everything comes from its environment, as in any container.
#![allow(clippy::print_stderr, reason = "a container's log is its standard error")]

mod accounts;
mod aws;
mod cart;
mod catalogue;
mod database;
mod environment;
mod failure;
mod orders;
mod server;
mod token;

use std::process::ExitCode;
use std::sync::Arc;

use crate::environment::Environment;
use crate::failure::Failure;
use crate::server::{Asked, Reply};

/// What a service answers with.
type Outcome = Result<Reply, Failure>;

/// What every service has.
pub(crate) struct Shop {
    pub(crate) environment: Environment,
    pub(crate) aws: aws::Client,
    pub(crate) tokens: token::Verifier,
}

fn main() -> ExitCode {
    let part = std::env::args().nth(1).unwrap_or_default();
    let run = async {
        let environment = Environment::read()?;
        let aws = aws::Client::new(&environment)?;
        let tokens = token::Verifier::new(&environment);
        let shop = Arc::new(Shop { environment, aws, tokens });
        match part.as_str() {
            "migrate" => database::migrate(&shop).await,
            "accounts" | "catalogue" | "cart" | "orders" => serve(shop, part).await,
            _ => Err(Failure::config("usage: securecart accounts | catalogue | cart | orders | migrate")),
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.map(|r| r.block_on(run)) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(failure)) => {
            eprintln!("securecart: {failure}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("securecart: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(shop: Arc<Shop>, part: String) -> Result<(), Failure> {
    if part == "catalogue" {
        catalogue::stock(&shop).await?;
    }
    server::serve(Arc::clone(&shop), move |shop, asked| {
        let part = part.clone();
        async move {
            match part.as_str() {
                "accounts" => accounts::answer(&shop, asked).await,
                "catalogue" => catalogue::answer(&shop, asked).await,
                "cart" => cart::answer(&shop, asked).await,
                _ => orders::answer(&shop, asked).await,
            }
        }
    })
    .await
}
