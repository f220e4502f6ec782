// Sign-in by the Secure Remote Password protocol as Cognito speaks it: the password never leaves
// the browser. The group is the 3072-bit one of RFC 3526, its generator 2.

const N = BigInt("0x" + [
  "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74",
  "020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437",
  "4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED",
  "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF05",
  "98DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB",
  "9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B",
  "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF695581718",
  "3995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33",
  "A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7",
  "ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864",
  "D87602733EC86A64521F2B18177B200CBBE117577A615D6C770988C0BAD946E2",
  "08E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF",
].join(""));
const G = 2n;

const encoder = new TextEncoder();

/** Big-endian hexadecimal digits, with a leading zero byte where the number would look negative. */
function padded(number) {
  let hex = number.toString(16);
  if (hex.length % 2) hex = "0" + hex;
  return /^[89a-f]/i.test(hex) ? "00" + hex : hex;
}

function bytes(hex) {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

function hex(buffer) {
  return Array.from(new Uint8Array(buffer), (b) => b.toString(16).padStart(2, "0")).join("");
}

async function sha256(data) {
  return hex(await crypto.subtle.digest("SHA-256", data));
}

function power(base, exponent) {
  let result = 1n;
  for (base %= N; exponent > 0n; exponent >>= 1n, base = (base * base) % N) {
    if (exponent & 1n) result = (result * base) % N;
  }
  return result;
}

function join(...parts) {
  return Uint8Array.from(parts.flatMap((part) => Array.from(part)));
}

/** Tue Nov 3 09:05:07 UTC 2026 */
function timestamp(date = new Date()) {
  const [day, , month] = date.toUTCString().replace(",", "").split(" ");
  const clock = date.toUTCString().split(" ")[4];
  return `${day} ${month} ${date.getUTCDate()} ${clock} UTC ${date.getUTCFullYear()}`;
}

/** The two halves of a sign-in: `srpA` goes out first; `answer` replies to the challenge. */
export function start() {
  const a = BigInt("0x" + hex(crypto.getRandomValues(new Uint8Array(128)))) % N;
  const A = power(G, a);
  return {
    srpA: A.toString(16),
    async answer(pool, password, challenge) {
      const poolName = pool.split("_")[1];
      const user = challenge.USER_ID_FOR_SRP;
      const B = BigInt("0x" + challenge.SRP_B);
      if (B % N === 0n) throw new Error("the server's answer is no good");
      const k = BigInt("0x" + (await sha256(bytes(padded(N) + padded(G)))));
      const u = BigInt("0x" + (await sha256(bytes(padded(A) + padded(B)))));
      const inner = await sha256(encoder.encode(`${poolName}${user}:${password}`));
      const x = BigInt("0x" + (await sha256(bytes(padded(BigInt("0x" + challenge.SALT)) + inner))));
      const base = (((B - k * power(G, x)) % N) + N) % N;
      const S = power(base, a + u * x);
      const input = await crypto.subtle.importKey("raw", bytes(padded(S)), "HKDF", false, ["deriveBits"]);
      const bits = await crypto.subtle.deriveBits(
        { name: "HKDF", hash: "SHA-256", salt: bytes(padded(u)), info: encoder.encode("Caldera Derived Key") },
        input,
        128,
      );
      const key = await crypto.subtle.importKey("raw", bits, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
      const now = timestamp();
      const block = Uint8Array.from(atob(challenge.SECRET_BLOCK), (c) => c.charCodeAt(0));
      const message = join(encoder.encode(poolName + user), block, encoder.encode(now));
      const signature = new Uint8Array(await crypto.subtle.sign("HMAC", key, message));
      return {
        USERNAME: user,
        TIMESTAMP: now,
        PASSWORD_CLAIM_SECRET_BLOCK: challenge.SECRET_BLOCK,
        PASSWORD_CLAIM_SIGNATURE: btoa(String.fromCharCode(...signature)),
      };
    },
  };
}
