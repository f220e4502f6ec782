//! Numbers as DynamoDB has them: decimal, exact, 38 significant digits, magnitudes from
//! 1E-130 to 9.99E+125. Sums are exact or refused; nothing is ever rounded.

use std::cmp::Ordering;

use model::Fault;

/// Significant digits of a number.
const DIGITS: u32 = 38;
/// Exponents of the leading digit.
const LARGEST: i32 = 125;
const SMALLEST: i32 = -130;

/// `coefficient * 10 ^ exponent`, negated if `negative`.
// INVARIANT: the coefficient has at most 38 digits and no trailing zero; zero is `0 * 10 ^ 0`, not negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Number {
    negative: bool,
    coefficient: u128,
    exponent: i32,
}

fn not_numeric(text: &str) -> Fault {
    Fault::validation(match text.is_empty() {
        true => "The parameter cannot be converted to a numeric value".to_owned(),
        false => format!("The parameter cannot be converted to a numeric value: {text}"),
    })
}

fn too_precise() -> Fault {
    Fault::validation("Attempting to store more than 38 significant digits in a Number")
}

fn digits(coefficient: u128) -> u32 {
    coefficient.checked_ilog10().map_or(1, |log| log + 1)
}

impl Number {
    pub(crate) const ZERO: Number = Number { negative: false, coefficient: 0, exponent: 0 };

    /// The normal form, if it is within the range.
    fn normal(negative: bool, mut coefficient: u128, mut exponent: i32) -> Result<Number, Fault> {
        if coefficient == 0 {
            return Ok(Number::ZERO);
        }
        while coefficient.is_multiple_of(10) {
            coefficient /= 10;
            exponent += 1;
        }
        if digits(coefficient) > DIGITS {
            return Err(too_precise());
        }
        let number = Number { negative, coefficient, exponent };
        match number.leading() {
            at if at > LARGEST => Err(Fault::validation(
                "Number overflow. Attempting to store a number with magnitude larger than supported range",
            )),
            at if at < SMALLEST => Err(Fault::validation(
                "Number underflow. Attempting to store a number with magnitude smaller than supported range",
            )),
            _ => Ok(number),
        }
    }

    /// The exponent of the leading digit.
    fn leading(self) -> i32 {
        self.exponent.saturating_add(i32::try_from(digits(self.coefficient)).unwrap_or(i32::MAX) - 1)
    }

    /// `-12`, `+0.5`, `.5`, `1e-3`.
    pub(crate) fn parse(text: &str) -> Result<Number, Fault> {
        let invalid = || not_numeric(text);
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, power) = match rest.split_once(['e', 'E']) {
            None => (rest, 0),
            Some((mantissa, power)) => {
                let plain = power.strip_prefix(['+', '-']).unwrap_or(power);
                if plain.is_empty() || !plain.bytes().all(|b| b.is_ascii_digit()) {
                    return Err(invalid());
                }
                // Beyond any range anyway.
                let fallback = if power.starts_with('-') { -1_000_000 } else { 1_000_000 };
                (mantissa, power.parse::<i32>().unwrap_or(fallback).clamp(-1_000_000, 1_000_000))
            }
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if whole.is_empty() && fraction.is_empty() {
            return Err(invalid());
        }
        let (mut coefficient, mut exponent, mut zeros) = (0_u128, power, 0_u32);
        for (byte, in_fraction) in
            whole.bytes().map(|b| (b, false)).chain(fraction.bytes().map(|b| (b, true)))
        {
            if !byte.is_ascii_digit() {
                return Err(invalid());
            }
            exponent -= i32::from(in_fraction);
            let digit = u128::from(byte - b'0');
            if digit == 0 {
                zeros += 1;
                continue;
            }
            // Zeros count only once another digit follows them.
            if coefficient != 0 && digits(coefficient) + zeros + 1 > DIGITS {
                return Err(too_precise());
            }
            coefficient = if coefficient == 0 { digit } else { coefficient * 10_u128.pow(zeros + 1) + digit };
            zeros = 0;
        }
        exponent += i32::try_from(zeros).unwrap_or(i32::MAX / 2);
        Number::normal(negative, coefficient, exponent)
    }

    pub(crate) fn negate(self) -> Number {
        Number { negative: !self.negative && self.coefficient != 0, ..self }
    }

    /// The exact sum.
    pub(crate) fn plus(self, other: Number) -> Result<Number, Fault> {
        if self.coefficient == 0 {
            return Ok(other);
        }
        if other.coefficient == 0 {
            return Ok(self);
        }
        let (high, low) = if self.exponent >= other.exponent { (self, other) } else { (other, self) };
        let shift = u32::try_from(high.exponent - low.exponent).map_err(|_| too_precise())?;
        // Where this overflows, the sum has more digits than a number can hold: it ends in the lower one's last.
        let scaled = 10_u128.checked_pow(shift).and_then(|p| high.coefficient.checked_mul(p));
        let scaled = scaled.ok_or_else(too_precise)?;
        if high.negative == low.negative {
            let sum = scaled.checked_add(low.coefficient).ok_or_else(too_precise)?;
            return Number::normal(high.negative, sum, low.exponent);
        }
        match scaled.cmp(&low.coefficient) {
            Ordering::Less => Number::normal(low.negative, low.coefficient - scaled, low.exponent),
            _ => Number::normal(high.negative, scaled - low.coefficient, low.exponent),
        }
    }

    /// Bytes that compare as the numbers do, and tell where they end: a sign, then, unless it is
    /// zero, the leading digit's exponent and 38 digits; of a negative number their complement.
    pub(crate) fn key(self, out: &mut Vec<u8>) {
        if self.coefficient == 0 {
            return out.push(1);
        }
        out.push(if self.negative { 0 } else { 2 });
        let flip = |byte: u8| if self.negative { !byte } else { byte };
        let exponent = u16::try_from(self.leading() - SMALLEST).unwrap_or(0);
        out.extend(exponent.to_be_bytes().map(flip));
        let scaled = self.coefficient * 10_u128.pow(DIGITS - digits(self.coefficient));
        out.extend(scaled.to_be_bytes().map(flip));
    }

    /// `flags | exponent | coefficient`, the coefficient without leading zero bytes; 16 bytes are the longest.
    pub(crate) fn encode(self, out: &mut Vec<u8>) {
        let skip = usize::try_from(self.coefficient.leading_zeros() / 8).unwrap_or(0);
        let bytes = self.coefficient.to_be_bytes();
        let short = bytes.get(skip..).unwrap_or_default();
        let length = u8::try_from(short.len()).unwrap_or(16);
        out.push(length | if self.negative { 0x80 } else { 0 });
        out.extend(i16::try_from(self.exponent).unwrap_or(0).to_be_bytes());
        out.extend(short);
    }

    pub(crate) fn decode(bytes: &mut &[u8]) -> Option<Number> {
        let (head, rest) = bytes.split_first_chunk::<3>()?;
        let [flags, high, low] = *head;
        let (short, rest) = rest.split_at_checked(usize::from(flags & 0x7f))?;
        *bytes = rest;
        let coefficient = short.iter().fold(0_u128, |n, b| (n << 8) | u128::from(*b));
        let exponent = i32::from(i16::from_be_bytes([high, low]));
        Some(Number { negative: flags & 0x80 != 0, coefficient, exponent })
    }

    /// What it takes up of an item's size: two digits a byte, and one.
    pub(crate) fn size(self) -> usize {
        let digits = usize::try_from(digits(self.coefficient)).unwrap_or(0);
        digits.div_ceil(2) + 1 + usize::from(self.negative)
    }

    /// Whole seconds, for what is meant as a time; rounded towards zero.
    pub(crate) fn whole(self) -> Option<i64> {
        let mut n = self.coefficient;
        for _ in 0..self.exponent.max(0) {
            n = n.checked_mul(10)?;
        }
        for _ in self.exponent.min(0)..0 {
            n /= 10;
        }
        let n = i64::try_from(n).ok()?;
        Some(if self.negative { -n } else { n })
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Number) -> Ordering {
        let sign = |n: &Number| {
            if n.coefficient == 0 {
                0
            } else if n.negative {
                -1
            } else {
                1
            }
        };
        let scaled = |n: &Number| n.coefficient * 10_u128.pow(DIGITS - digits(n.coefficient));
        sign(self).cmp(&sign(other)).then_with(|| {
            let larger = self.leading().cmp(&other.leading()).then_with(|| scaled(self).cmp(&scaled(other)));
            match (self.coefficient, self.negative) {
                (0, _) => Ordering::Equal,
                (_, true) => larger.reverse(),
                (_, false) => larger,
            }
        })
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Number) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Plain, without an exponent, as DynamoDB answers.
impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.negative {
            f.write_str("-")?;
        }
        let text = self.coefficient.to_string();
        let Ok(behind) = usize::try_from(-self.exponent) else {
            let zeros = usize::try_from(self.exponent).unwrap_or(0);
            return write!(f, "{text}{:0<zeros$}", "");
        };
        match text.len().checked_sub(behind) {
            Some(before) if before > 0 && behind == 0 => f.write_str(&text),
            Some(before) if before > 0 => {
                let (whole, fraction) = text.split_at_checked(before).unwrap_or((&text, ""));
                write!(f, "{whole}.{fraction}")
            }
            _ => write!(f, "0.{text:0>behind$}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn n(text: &str) -> Number {
        Number::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    fn key(number: Number) -> Vec<u8> {
        let mut out = Vec::new();
        number.key(&mut out);
        out
    }

    #[test]
    fn numbers_read_and_show() {
        for (given, shown) in [
            ("0", "0"),
            ("-0", "0"),
            ("0.000", "0"),
            ("1", "1"),
            ("+1.50", "1.5"),
            ("-1.50", "-1.5"),
            (".5", "0.5"),
            ("5.", "5"),
            ("1e3", "1000"),
            ("1E-3", "0.001"),
            ("120e-1", "12"),
            ("00012.3400", "12.34"),
            ("100000000000000000000000000000000000000000", "100000000000000000000000000000000000000000"),
            ("12345678901234567890123456789012345678", "12345678901234567890123456789012345678"),
            (
                "0.00000000000000000000000000000000000000000012345678901234567890123456789012345678",
                "0.00000000000000000000000000000000000000000012345678901234567890123456789012345678",
            ),
        ] {
            assert_eq!(n(given).to_string(), shown, "{given}");
        }
        assert_eq!(n("9.9999999999999999999999999999999999999E+125").to_string().len(), 126);
        assert_eq!(n("1E-130").to_string(), format!("0.{}1", "0".repeat(129)));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        let refused = |text: &str| Number::parse(text).unwrap_err().message;
        for text in
            ["", "-", ".", "e1", "1e", "1e+", "1.2.3", "0x1", "1 ", "NaN", "Infinity", "--1", "1e1.5", "١"]
        {
            assert!(
                refused(text).starts_with("The parameter cannot be converted to a numeric value"),
                "{text}"
            );
        }
        assert!(refused("123456789012345678901234567890123456789").contains("38 significant digits"));
        assert!(refused("1.00000000000000000000000000000000000001").contains("38 significant digits"));
        for large in ["1E126", "10E125", "-1e126", "1e99999999999"] {
            assert!(refused(large).starts_with("Number overflow"), "{large}");
        }
        for small in ["1E-131", "0.1E-130", "1e-99999999999"] {
            assert!(refused(small).starts_with("Number underflow"), "{small}");
        }
    }

    #[test]
    fn sums_are_exact_or_refused() {
        for (a, b, sum) in [
            ("0.1", "0.2", "0.3"),
            ("1", "-1", "0"),
            ("-5", "3", "-2"),
            ("3", "-5", "-2"),
            ("1e37", "1", &format!("1{}1", "0".repeat(36))),
            ("99999999999999999999999999999999999999", "1", &format!("1{}", "0".repeat(38))),
            ("1e38", "-1", &"9".repeat(38)),
            ("1e100", "0", &format!("1{}", "0".repeat(100))),
        ] {
            assert_eq!(n(a).plus(n(b)).unwrap().to_string(), sum, "{a} + {b}");
        }
        for (a, b) in [("1e38", "1"), ("1e125", "1e-130"), ("9e125", "9e125"), ("4e38", "-1")] {
            assert!(n(a).plus(n(b)).is_err(), "{a} + {b}");
        }
    }

    /// The order of two decimals by writing them out: a second, naive way.
    fn written_order(a: Number, b: Number) -> Ordering {
        let wide = |x: Number| {
            let text = x.to_string();
            let text = text.trim_start_matches('-');
            let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
            format!("{whole:0>130}{fraction:0<170}")
        };
        match (a.negative, b.negative) {
            (false, false) => wide(a).cmp(&wide(b)),
            (true, true) => wide(b).cmp(&wide(a)),
            (a, b) => b.cmp(&a),
        }
    }

    fn any_number() -> impl Strategy<Value = Number> {
        let coefficient = prop_oneof![Just(0_u128), 0..1000_u128, 0..10_u128.pow(38)];
        (any::<bool>(), coefficient, prop_oneof![-4..4_i32, -130..88_i32])
            .prop_filter_map("out of range", |(negative, c, e)| Number::normal(negative, c, e).ok())
    }

    proptest! {
        #[test]
        fn keys_compare_as_numbers_do(a in any_number(), b in any_number()) {
            let order = written_order(a, b);
            prop_assert_eq!(a.cmp(&b), order);
            prop_assert_eq!(key(a).cmp(&key(b)), order);
            // No key is the beginning of another, so what follows a key never decides.
            prop_assert!(a == b || !key(a).starts_with(&key(b)));
        }

        #[test]
        fn numbers_come_back(a in any_number()) {
            prop_assert_eq!(n(&a.to_string()), a);
            let mut out = Vec::new();
            a.encode(&mut out);
            prop_assert_eq!(Number::decode(&mut out.as_slice()), Some(a));
        }

        #[test]
        fn sums_agree_with_their_parts(a in any_number(), b in any_number()) {
            if let Ok(sum) = a.plus(b) {
                prop_assert_eq!(b.plus(a).unwrap(), sum);
                // Taking one part away again gives the other, wherever that is exact on the way.
                if let Ok(back) = sum.plus(b.negate()) {
                    prop_assert_eq!(back, a);
                }
            }
        }
    }
}
