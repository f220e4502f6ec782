//! Hands the messages that wait to the mail server.

use std::sync::Arc;
use std::time::Duration;

use act::mail::Mailer;
use estate::Estate;
use tokio::sync::watch;

const PAUSE: Duration = Duration::from_millis(500);

/// Runs until `stop` changes. Without a mail server there is nothing to do.
pub(crate) async fn run(estate: Arc<Estate>, mailer: Option<Arc<Mailer>>, mut stop: watch::Receiver<bool>) {
    let Some(mailer) = mailer else { return };
    loop {
        if let Err(fault) = turn(&estate, &mailer).await {
            eprintln!("countersign: messages cannot be sent: {fault}");
        }
        tokio::select! {
            _ = stop.changed() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

async fn turn(estate: &Arc<Estate>, mailer: &Arc<Mailer>) -> Result<(), model::Fault> {
    for (key, message) in estate.to_post()? {
        let mailer = Arc::clone(mailer);
        let sending =
            tokio::task::spawn_blocking(move || mailer.send(&message.to, &message.subject, &message.body));
        let outcome = sending.await.unwrap_or_else(|_| Err("the attempt broke off".to_owned()));
        if let Err(why) = &outcome {
            eprintln!("countersign: a message was not delivered, to be tried again: {why}");
        }
        estate.posted(&key, outcome).await?;
    }
    Ok(())
}
