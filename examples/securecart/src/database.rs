//! PostgreSQL: over TLS only, with a token of the task's role for a password.

use tokio_postgres::Config;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::Shop;
use crate::environment::needed;
use crate::failure::Failure;

/// Opens a connection as this user.
async fn connect(shop: &Shop, user: &str, password: &str) -> Result<tokio_postgres::Client, Failure> {
    let port: u16 =
        needed("DATABASE_PORT")?.parse().map_err(|_| Failure::config("DATABASE_PORT is no port"))?;
    let tls = MakeRustlsConnect::new((*shop.aws.tls).clone());
    let mut config = Config::new();
    config
        .host(needed("DATABASE_HOST")?)
        .port(port)
        .dbname(needed("DATABASE_NAME")?)
        .user(user)
        .password(password)
        .ssl_mode(SslMode::Require);
    let (client, connection) = config.connect(tls).await.map_err(|e| Failure::upstream("the database", e))?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            eprintln!("a database connection ended: {error}");
        }
    });
    Ok(client)
}

/// Opens a connection as the orders service.
pub(crate) async fn orders(shop: &Shop) -> Result<tokio_postgres::Client, Failure> {
    let port: u16 =
        needed("DATABASE_PORT")?.parse().map_err(|_| Failure::config("DATABASE_PORT is no port"))?;
    let token = shop.aws.database_token(&needed("DATABASE_HOST")?, port, "orders").await?;
    connect(shop, "orders", &token).await
}

const TABLES: &str = "
    DO $$ BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'orders') THEN CREATE ROLE orders LOGIN; END IF;
    END $$;
    GRANT rds_iam TO orders;
    CREATE TABLE IF NOT EXISTS orders (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        customer text NOT NULL,
        placed timestamptz NOT NULL DEFAULT now(),
        total integer NOT NULL CHECK (total >= 0),
        receipt text
    );
    CREATE INDEX IF NOT EXISTS orders_by_customer ON orders (customer, placed);
    GRANT SELECT, INSERT, UPDATE ON orders TO orders;
";

/// Makes the tables, and the role that the orders service logs in as. Runs before that service, as the master user.
pub(crate) async fn migrate(shop: &Shop) -> Result<(), Failure> {
    let client = connect(shop, &needed("DATABASE_USER")?, &needed("DATABASE_PASSWORD")?).await?;
    client.batch_execute(TABLES).await.map_err(|e| Failure::upstream("the database", e))?;
    eprintln!("the tables are there");
    Ok(())
}
