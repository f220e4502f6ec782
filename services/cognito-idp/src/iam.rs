//! Which permission each call needs. Calls of users and applications need none: the password,
//! the session or the access token in them is what is judged.

use model::{Ask, Asking, Fault};

use crate::client::{self, Client};
use crate::pool;

/// What the API model marks as callable without a signature.
const UNSIGNED: [&str; 21] = [
    "AssociateSoftwareToken",
    "ChangePassword",
    "ConfirmForgotPassword",
    "ConfirmSignUp",
    "DeleteUser",
    "DeleteUserAttributes",
    "ForgotPassword",
    "GetUser",
    "GetUserAttributeVerificationCode",
    "GlobalSignOut",
    "InitiateAuth",
    "ResendConfirmationCode",
    "RespondToAuthChallenge",
    "RevokeToken",
    "SetUserMFAPreference",
    "SignUp",
    "UpdateUserAttributes",
    "VerifySoftwareToken",
    "VerifyUserAttribute",
    // Asked by the token endpoint, which judges the client's secret.
    "IssueClientToken",
    // Asked by identity pools; the token is what is judged.
    "VerifyIdToken",
];

pub(crate) fn ask(asking: &Asking<'_>) -> Result<Vec<Ask>, Fault> {
    let operation = asking.operation;
    let action = format!("cognito-idp:{operation}");
    if UNSIGNED.contains(&operation) {
        // It is about the client's pool, where the record of it belongs.
        let client = asking.text("ClientId").map(client::named);
        let client = client.and_then(|name| asking.snapshot.find_named::<Client>(&name));
        let pool = client.map(|c| pool::arn(&c.region, &c.account, &c.pool));
        return Ok(vec![Ask { resource: pool.unwrap_or_else(|| "*".to_owned()), ..Ask::free(action) }]);
    }
    let given = asking.text("UserPoolId").map(|id| pool::arn(asking.region, asking.account, id));
    let ask = match operation {
        "ListUserPools" | "DescribeUserPoolDomain" => Ask::new(action, "*"),
        "CreateUserPool" => Ask { request_tags: asking.tags("UserPoolTags"), ..Ask::new(action, "*") },
        _ => match given.or_else(|| asking.text("ResourceArn").map(str::to_owned)) {
            Some(resource) => Ask::new(action, resource),
            None => return Ok(Vec::new()),
        },
    };
    let request_tags = match operation {
        "TagResource" => asking.tags("Tags"),
        "UpdateUserPool" => asking.tags("UserPoolTags"),
        _ => ask.request_tags.clone(),
    };
    let mut asks = vec![Ask { request_tags, tag_keys: asking.strings("TagKeys"), ..ask }];
    // Who gives a group a role gives it to the group's users.
    if let Some(role) = asking.text("RoleArn") {
        let service = Some("cognito-identity.amazonaws.com");
        asks.push(Ask::new("iam:PassRole", role).key("iam:PassedToService", service));
    }
    Ok(asks)
}
