//! Values out of the text of a program's `/metrics`. **Invariant:** pure; a metric that the text does not declare is
//! unknown, not zero: its name may be wrong.

/// Sum of a whole-numbered metric over its labels; `None` where no `# TYPE` names it. After the name may follow the first
/// label: `flows_total{source="grpc"`.
pub fn sum(text: &str, name: &str) -> Option<u64> {
    let family = name.split('{').next()?;
    // OpenMetrics declares a counter without the `_total` of its samples.
    let declared = [Some(family), family.strip_suffix("_total")];
    let is_declared = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .any(|each| declared.contains(&Some(each)));
    let samples = text.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        let value = match rest.as_bytes().first()? {
            b' ' => &rest[1..],
            b'{' | b',' | b'}' => rest.rsplit_once("} ")?.1,
            _ => return None,
        };
        value.split(' ').next()?.parse::<f64>().ok()
    });
    is_declared.then(|| samples.sum::<f64>() as u64)
}

#[cfg(test)]
mod tests {
    use super::sum;

    #[test]
    fn a_metric_is_the_sum_of_its_samples_and_unknown_where_it_is_not_declared() {
        let text = "# TYPE flows_total counter\n\
            flows_total{source=\"grpc\",kind=\"a\"} 2\n\
            flows_total{source=\"kafka\"} 3 1700000000000\n\
            # TYPE drops counter\n\
            drops_total 4\n\
            # TYPE none_total counter\n\
            stray_total 1\n";
        let cases = [
            ("flows_total", Some(5)),
            ("flows_total{source=\"grpc\"", Some(2)),
            ("drops_total", Some(4)),
            ("none_total", Some(0)),
            ("none_total{source=\"grpc\"", Some(0)),
            ("flow", None),
            ("stray_total", None),
        ];
        for (name, expected) in cases {
            assert_eq!(sum(text, name), expected, "{name}");
        }
    }
}
