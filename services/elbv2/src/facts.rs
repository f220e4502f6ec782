//! Facts that do not depend on the account: security policies and quotas.

use model::estate::elb::{SSL_POLICIES, ssl_policy};
use model::{Fault, Tx};

use crate::fault::invalid;
use crate::page::page;
use crate::shapes::*;

const TLS13: &[&str] = &["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];
const TLS12: &[&str] = &[
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
];

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeSSLPolicies.html>
///
/// Shows what is really spoken here under each policy, which may be less than in AWS.
pub(crate) fn describe_ssl_policies(
    _tx: &mut Tx<'_>,
    input: DescribeSSLPoliciesInput,
) -> Result<DescribeSSLPoliciesOutput, Fault> {
    let mut policies = Vec::new();
    let names = input.names.unwrap_or_default();
    for name in &names {
        let missing = || Fault::client("SSLPolicyNotFound", format!("SSL policy '{name}' not found"));
        policies.push(*ssl_policy(name).ok_or_else(missing)?);
    }
    if names.is_empty() {
        policies.extend_from_slice(SSL_POLICIES);
    }
    if input.load_balancer_type.as_deref().is_some_and(|t| t != "application") {
        return Err(invalid("Only application load balancers are served"));
    }
    let (policies, next_marker) = page(policies, input.marker.as_deref(), input.page_size)?;
    let shown = |p: model::estate::elb::SslPolicy| {
        let (new, old) = (if p.tls13 { TLS13 } else { &[] }, if p.tls12 { TLS12 } else { &[] });
        let cipher = |(i, name): (i64, &&str)| Cipher { name: Some((*name).to_owned()), priority: Some(i) };
        let protocols = [("TLSv1.2", p.tls12), ("TLSv1.3", p.tls13)];
        SslPolicy {
            ssl_protocols: Some(
                protocols.iter().filter(|(_, on)| *on).map(|(n, _)| (*n).to_owned()).collect(),
            ),
            ciphers: Some((1..).zip(new.iter().chain(old)).map(cipher).collect()),
            name: Some(p.name.to_owned()),
            supported_load_balancer_types: Some(vec!["application".to_owned()]),
        }
    };
    Ok(DescribeSSLPoliciesOutput {
        ssl_policies: Some(policies.into_iter().map(shown).collect()),
        next_marker,
    })
}

const LIMITS: &[(&str, &str)] = &[
    ("application-load-balancers", "50"),
    ("certificates-per-application-load-balancer", "25"),
    ("condition-values-per-alb-rule", "5"),
    ("listeners-per-application-load-balancer", "50"),
    ("rules-per-application-load-balancer", "100"),
    ("target-groups", "3000"),
    ("target-groups-per-action-on-application-load-balancer", "5"),
    ("targets-per-application-load-balancer", "1000"),
];

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeAccountLimits.html>
pub(crate) fn describe_account_limits(
    _tx: &mut Tx<'_>,
    input: DescribeAccountLimitsInput,
) -> Result<DescribeAccountLimitsOutput, Fault> {
    let limit =
        |(name, max): &(&str, &str)| Limit { name: Some((*name).to_owned()), max: Some((*max).to_owned()) };
    let all = LIMITS.iter().map(limit).collect();
    let (limits, next_marker) = page(all, input.marker.as_deref(), input.page_size)?;
    Ok(DescribeAccountLimitsOutput { limits: Some(limits), next_marker })
}
