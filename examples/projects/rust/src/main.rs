fn is_prime(n: u32) -> bool {
    n > 1 && (2..n).take_while(|d| d * d <= n).all(|d| n % d != 0)
}

fn main() {
    let primes: Vec<String> = (1..30).filter(|&n| is_prime(n)).map(|n| n.to_string()).collect();
    println!("{}", primes.join(" "));
}

#[cfg(test)]
mod tests {
    #[test]
    fn knows_primes() {
        assert!(super::is_prime(7) && !super::is_prime(9) && !super::is_prime(1));
    }
}
