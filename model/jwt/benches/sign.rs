//! What a token costs to sign: `cargo bench -p jwt --bench sign`.
//!
//! RSA of 2,048 bits, PKCS #1 v1.5 with SHA-256, by ring. On two busy cores of a virtual machine (a
//! quiet one does better): parsing and checking a key 68 µs, which each signature paid before keys were
//! kept parsed; the signature itself 2.3 to 3.1 ms.
#![allow(clippy::expect_used, reason = "a measurement")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use ring::rsa::KeyPair;

fn rates(c: &mut Criterion) {
    let private = include_bytes!("../../../edge/tests/gateway/test-key.der");
    c.bench_function("parse a key", |b| b.iter(|| KeyPair::from_pkcs8(black_box(private))));
    let claims = serde_json::json!({"sub": "someone", "aud": "an application", "exp": 1});
    c.bench_function("sign RS256", |b| {
        b.iter(|| jwt::sign(jwt::Algorithm::Rs256, black_box(private), "kid", &claims).expect("a token"));
    });
}

criterion_group!(benches, rates);
criterion_main!(benches);
