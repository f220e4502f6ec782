//! What a password costs: `cargo bench -p service-cognito-idp --bench signin`.
//!
//! | what | parameters |
//! |---|---|
//! | group | 3,072 bits (RFC 3526, group 15), g = 2 |
//! | exponents | 256 bits, all of them always, constant time |
//! | `g^x` | a product from 64 tables of 16 powers; no squarings |
//! | other bases | windows of 4 bits: 256 squarings, 64 products |
//! | tokens | RS256 of 2,048 bits, signed by ring with a key parsed once; see `benches/sign.rs` of `jwt` |
//!
//! Measured on two busy cores of a virtual machine (a quiet one does better): a ladder over 256 bits
//! 5.3 ms, which is what `matches` took before the tables; with them 1.0 ms.
#![allow(unused, reason = "of the module under measure only some is called")]

#[path = "../src/srp.rs"]
mod srp;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};

const POOL: &str = "us-east-1_abcdefghi";

fn rates(c: &mut Criterion) {
    let verifier = srp::Verifier::new(POOL, "alice", "right", [1; 16]);
    c.bench_function("check a password", |b| {
        b.iter(|| verifier.matches(POOL, "alice", black_box("right")));
    });
    let Some(exchange) = srp::begin("abcdef", &verifier, [9; 32]) else { return };
    c.bench_function("begin SRP", |b| b.iter(|| srp::begin("abcdef", black_box(&verifier), [9; 32])));
    let claim = srp::Claim {
        pool: POOL,
        user: "alice",
        secret_block: b"block",
        timestamp: "now",
        signature: b"not the one",
    };
    c.bench_function("end SRP", |b| b.iter(|| srp::proves(black_box(&exchange), &verifier, &claim)));
}

criterion_group!(benches, rates);
criterion_main!(benches);
