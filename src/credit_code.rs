//! The check character of 统一社会信用代码 (GB 32100-2015).

/// The 31 characters of GB 32100: no I, O, S, V, Z.
const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
/// 3^(i-1) mod 31.
const WEIGHTS: [usize; 17] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];

/// Whether the 18th character is that which the first 17 demand.
/// What has another length or other characters does not check.
pub fn checks(code: &str) -> bool {
    let values: Option<Vec<usize>> =
        code.bytes().map(|b| ALPHABET.iter().position(|&a| a == b)).collect();
    let Some(values) = values.filter(|v| v.len() == 18) else {
        return false;
    };
    let sum: usize = values.iter().zip(WEIGHTS).map(|(value, weight)| value * weight).sum();
    values[17] == (31 - sum % 31) % 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_published_codes() {
        for code in [
            "12620600MB0523338C",
            "11370812004339255B",
            "113325000026455663",
            "11341702486344515H",
            "91350100M000100Y43",
        ] {
            assert!(checks(code), "{code}");
        }
    }

    #[test]
    fn refuses_a_wrong_check_character() {
        for code in ["91350100M000100Y4Z", "12620600MB0523338D", "12620600MB052333", "", "１"] {
            assert!(!checks(code), "{code}");
        }
    }
}
