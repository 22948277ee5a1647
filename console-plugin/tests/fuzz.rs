//! A short run of the fuzz targets: every seed as it is, then many with random damage; and inputs made to be costly.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "../fuzz/targets.rs"]
#[allow(clippy::expect_used, reason = "tests")]
mod targets;

#[path = "support/fuzz_run.rs"]
mod harness;

use harness::run;

#[test]
fn any_request_is_answered_or_refused_without_harm() {
    run("query", 1_500, targets::query);
}

#[test]
fn any_push_is_decoded_or_refused_without_harm() {
    run("push", 3_000, targets::push);
}

#[test]
fn any_configuration_is_taken_or_refused_without_harm() {
    run("config", 200, targets::config);
}

#[test]
fn a_request_made_to_be_costly_is_bounded() {
    const RECORDS: &str = "/api/loki/flow/records?filters=";
    const METRICS: &str = "/api/flow/metrics?aggregateBy=resource";
    // Some of them are the store's, so that no file can be left out.
    let addresses: Vec<String> = (0..1_000)
        .map(|at| format!("10.9.{}.{}", at / 250, at % 250))
        .collect();
    for address in [
        format!("{RECORDS}Addr={}", addresses.join(",")),
        format!("{METRICS}&filters=Addr={}", addresses.join(",")),
        format!("{RECORDS}{}", "Port=1|".repeat(250)),
        format!("{RECORDS}{}", "Port%3D1%26".repeat(250)),
        format!("{RECORDS}Addr={}1.1.1.1", "1.1.1.1,".repeat(999)),
        format!("{RECORDS}K8S_Name={}x", "%20,".repeat(999)),
        format!(
            "{RECORDS}{0}|{0}|{0}|{0}|{0}|{0}",
            format!("Port={}1", "1,".repeat(999))
        ),
        // As many patterns as there may be, and one as long as it may be.
        format!("{RECORDS}DnsName~{}a", "a,".repeat(255)),
        format!("{RECORDS}DnsName={}", "*aaaaaaaaaaaaaaa".repeat(16)),
        // Patterns that a backtracking matcher would try in all ways, against rows that have the text.
        format!("{RECORDS}DnsName={}b", "*a".repeat(2_000)),
        format!("{RECORDS}DnsName~{}b", "*a*".repeat(2_000)),
        format!("{RECORDS}{}", "=".repeat(40_000)),
        format!("{RECORDS}{}", "%25".repeat(16_000)),
        "&".repeat(48 << 10),
        format!("{METRICS}&groups={}", "hosts%2B".repeat(6_000)),
        // As many steps as there may be, each with a window over all rows.
        format!("{METRICS}&startTime=1699999997&endTime=1700000007&step=1ms&rateInterval=60ms"),
        format!(
            "{METRICS}&startTime=0&endTime=9223372036&step=900000s&rateInterval=15000h&function=p99"
        ),
        format!("{METRICS}&limit=18446744073709551615&timeRange=9223372036&step=1000000s"),
        format!("/api/fields/SrcAddr/values?prefix={}", "1".repeat(40_000)),
    ] {
        targets::query(address.as_bytes());
    }
}

#[test]
fn a_push_made_to_be_costly_is_bounded() {
    let json =
        |values: &str| format!("j{{\"streams\":[{{\"stream\":{{}},\"values\":[{values}]}}]}}");
    let line = |line: &str| json(&format!("[\"1\",{}]", serde_json::Value::from(line)));
    let names = (0..10_000).fold(String::new(), |names, name| {
        names + &format!(",\"{name:x}\":0")
    });
    // A snappy block that claims 128 MiB, and one that is a mebibyte of one byte.
    let claim = [b"p".as_slice(), &[0x80, 0x80, 0x80, 0x40, 0, 0]].concat();
    let zeros = snap::raw::Encoder::new()
        .compress_vec(&vec![0; 1 << 20])
        .unwrap();
    for body in [
        "j".to_owned() + &"[".repeat(100_000),
        json(&"[],".repeat(50_000)),
        json(&"[\"1\",\"{}\"],".repeat(2_000)),
        // Far more lines and streams than are taken, which must not be held before that is seen.
        json(&"[\"1\",\"{}\"],".repeat(80_000)),
        format!("j{{\"streams\":[{}]}}", "{},".repeat(300_000)),
        line(&format!("{{\"a\":{}", "[".repeat(60_000))),
        line(&format!("{{\"a\":0{names}}}")),
        line(&format!("{{\"Interfaces\":[{}0]}}", "\"\",".repeat(15_000))),
        // Lines of two bytes, in whose streams every label takes a place.
        format!(
            "j{{\"streams\":[{{\"stream\":{{{}}},\"values\":[{}]}}]}}",
            (1..64).fold("\"l0\":\"\"".to_owned(), |labels, at| labels
                + &format!(",\"Proto{at}\":\"1\"")),
            vec!["[\"1\",\"{}\"]"; 900].join(",")
        ),
        line(&format!("{{\"SrcAddr\":\"{}\"}}", "\\u0041".repeat(10_000))),
    ] {
        targets::push(body.as_bytes());
    }
    // Fields of protobuf that hold nothing: streams, entries, and groups, which nobody sends.
    let empty_streams = [0x0a, 0].repeat(50_000);
    // A stream that says one label very often, with lines to say it for.
    let labels = format!("{{{}}}", "Bytes=\"1\",".repeat(20_000));
    let length = labels.len() as u32;
    let stream = [
        &[
            0x0a,
            length as u8 | 0x80,
            (length >> 7) as u8 | 0x80,
            (length >> 14) as u8,
        ][..],
        labels.as_bytes(),
        &[0x12, 4, 0x12, 2, b'{', b'}'].repeat(900),
    ]
    .concat();
    let length = stream.len() as u32;
    let repeated = [
        &[
            0x0a,
            length as u8 | 0x80,
            (length >> 7) as u8 | 0x80,
            (length >> 14) as u8,
        ][..],
        &stream,
    ]
    .concat();
    for message in [
        empty_streams,
        repeated,
        vec![0x0b; 100_000],
        vec![0xff; 100_000],
    ] {
        targets::push(&[b"r".as_slice(), &message].concat());
    }
    targets::push(&claim);
    targets::push(&[b"p".as_slice(), &zeros].concat());
}

#[test]
fn a_configuration_made_to_be_costly_is_bounded() {
    let bomb = (1..30).fold(String::from("a0: &a0 [x, x]\n"), |text, level| {
        text + &format!("a{level}: &a{level} [*a{0}, *a{0}]\n", level - 1)
    });
    let lists = |key: &str, item: &str| format!("{key}: [{}]", item.repeat(2_000));
    for text in [
        bomb,
        "[".repeat(20_000),
        "a:\n ".repeat(2_000),
        format!("{}x: 1", "? ".repeat(5_000)),
        "&a ".repeat(5_000),
        "!!x ".repeat(5_000),
        format!("frontend: {{{}}}", lists("columns", "{}, ")),
        format!(
            "losses: {{{}}}",
            lists("targets", "{component: a, url: \"http://a\"}, ")
        ),
        format!(
            "store: {{path: /s}}\nfrontend: {{{}}}",
            lists("scopes", "{x: {y: [z]}}, ")
        ),
        "server: {port: 1, port: 2}".into(),
    ] {
        targets::config(text.as_bytes());
    }
}
