//! What comes from outside and must not do harm: hostile values, hosts, paths and sizes.

use crate::console::{Console, base_s, encode, encode_twice, flow};
use http::{Request, StatusCode};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_named_and_nothing_else_is_lost() {
    let console = Console::start().await;
    console.push(&[flow(base_s(), 0, json!({}))]).await;
    let records = "/api/loki/flow/records";
    let metrics = "/api/flow/metrics?aggregateBy=app";
    let twice = encode_twice;
    for (path, expected) in [
        (
            format!("{records}?filters={}", twice("Nonsense=1")),
            "unknown filter key: Nonsense",
        ),
        (
            format!("{records}?filters={}", twice("SrcAddr=1' OR '1'='1")),
            "invalid filter \"SrcAddr=1' OR '1'='1\": it must be a field, one of = != >= ~ !~, and values without these signs",
        ),
        (
            format!("{records}?filters={}", twice("SrcK8S_Name=a' OR 'a")),
            "unauthorized sign in flows request: a' OR 'a",
        ),
        (
            format!("{records}?filters={}", twice("SrcK8S_Name=a\"} or {b=\"c")),
            "invalid filter \"SrcK8S_Name=a\"} or {b=\"c\": it must be a field, one of = != >= ~ !~, and values without these signs",
        ),
        (
            format!("{records}?filters={}", twice("SrcK8S_Name=`|json`")),
            "unauthorized sign in flows request: `",
        ),
        (
            format!("{records}?filters={}", twice("SrcK8S_Name~a;DROP TABLE x")),
            "unauthorized sign in flows request: a;DROP TABLE x",
        ),
        (
            format!("{records}?filters={}", twice("x\"}=1")),
            "invalid field name: x\"}",
        ),
        (
            format!("{records}?filters={}", twice("DstPort=http")),
            "filter DstPort: \"http\" is not a number",
        ),
        (
            format!("{records}?filters={}", encode("SrcPort=%zz")),
            "invalid URL escape in \"SrcPort=%zz\"",
        ),
        (
            format!("{records}?filters=%zz"),
            "invalid URL escape in \"%zz\"",
        ),
        (
            format!("{records}?namespace={}", encode("a\"}")),
            "invalid namespace: a\"}",
        ),
        (
            format!("{records}?startTime=now"),
            "Could not parse start time: \"now\" is not a number of seconds",
        ),
        (
            format!("{metrics}&function=drop"),
            "invalid metric function: drop",
        ),
        (
            format!("{metrics}&type={}", encode("Bytes)")),
            "invalid field name: Bytes)",
        ),
        (
            format!("{metrics}&step=1ms&timeRange=86400"),
            "invalid step: exceeded maximum resolution of 11000 points per series; take a longer step or a shorter range",
        ),
        (
            "/api/flow/metrics".to_owned(),
            "aggregateBy parameter is required",
        ),
        (
            "/api/fields/Nonsense/values".to_owned(),
            "unknown field: Nonsense",
        ),
        (
            "/api/fields/a%22b/values".to_owned(),
            "invalid field name: a\"b",
        ),
        (
            format!("/api/resources/names?kind={}", encode("Pod\"")),
            "invalid kind: Pod\"",
        ),
        (
            "/api/losses?startTime=x".to_owned(),
            "Could not parse start time: \"x\" is not a number of seconds",
        ),
    ] {
        let answer = console.get(&path).await;
        // An error that says what is wrong, never an item left out and more found.
        assert_eq!(
            (answer.status, answer.message().as_str()),
            (StatusCode::BAD_REQUEST, expected),
            "{path}: {}",
            answer.body
        );
    }
    let text = console.metrics().await;
    assert!(
        text.contains("netobserv_http_api_calls_duration_count{handler=\"GetFlows\",code=\"400\"}"),
        "{text}"
    );
    let answer = console
        .get("/api/loki/flow/records?timeRange=3600")
        .await
        .json();
    assert_eq!(answer["stats"]["totalEntries"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_site_gets_nothing() {
    let console = Console::start().await;
    for (host, status) in [
        ("127.0.0.1:9001", StatusCode::OK),
        ("[::1]:9001", StatusCode::OK),
        ("localhost", StatusCode::OK),
        ("evil.example", StatusCode::FORBIDDEN),
        ("localhost.evil.example:9001", StatusCode::FORBIDDEN),
    ] {
        for path in ["/api/status", "/", "/role"] {
            let answer = console
                .send(Request::get(path).header("host", host), "")
                .await;
            assert_eq!(answer.status, status, "{host} {path}");
            assert_eq!(
                answer.header("access-control-allow-origin"),
                "",
                "{host} {path}"
            );
        }
    }
    // Nor may it push or read metrics.
    for (host, has_access) in [("127.0.0.1:3100", true), ("evil.example:3100", false)] {
        for (address, request) in [
            (console.app.push, Request::post("/loki/api/v1/push")),
            (console.app.push, Request::get("/ready")),
            (console.app.metrics, Request::get("/metrics")),
            (console.app.metrics, Request::get("/ready")),
        ] {
            let answer = console.send_to(address, request.header("host", host)).await;
            let is_refused = answer.status == StatusCode::FORBIDDEN;
            assert_eq!(is_refused, !has_access, "{host} {}", answer.body);
        }
    }
    let answer = console.get("/api/status").await;
    assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert!(
        console
            .metrics()
            .await
            .contains("netobserv_console_requests_refused_total{reason=\"host\"} 10")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_cluster_the_headers_are_those_of_the_specification() {
    let console = Console::start_with("authCheck: none, corsMethods: GET", "").await;
    let request = Request::get("/api/status").header("host", "plugin.netobserv.svc");
    let answer = console.send(request, "").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("access-control-allow-methods"), "GET");
    assert_eq!(
        answer.header("access-control-allow-headers"),
        "Origin, X-Requested-With, Content-Type, Accept"
    );
    let console = Console::start_with("authCheck: none, allowedHosts: [flows.example]", "").await;
    for (host, status) in [
        ("flows.example", StatusCode::OK),
        ("plugin.svc", StatusCode::FORBIDDEN),
    ] {
        let answer = console
            .send(Request::get("/api/status").header("host", host), "")
            .await;
        assert_eq!(answer.status, status, "{host}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn large_answers_are_packed_in_a_cluster_and_not_on_one_host() {
    let config = "/api/frontend-config";
    let one_host = std::fs::read_to_string("config/onehost-frontend.yaml").unwrap();
    let packed = async |server: &str, path: &str| {
        let console = Console::start_with(server, &one_host).await;
        let request = Request::get(path).header("host", "localhost");
        let request = request.header("accept-encoding", "br, gzip");
        let (answer, bytes) = console.send_for_bytes(request).await;
        let plain = console.get(path).await;
        (answer, bytes, plain)
    };
    let (answer, bytes, plain) = packed("authCheck: none", config).await;
    assert_eq!(answer.header("content-encoding"), "gzip");
    assert_eq!(answer.header("vary"), "accept-encoding");
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(plain.header("content-encoding"), "");
    let mut text = String::new();
    let mut unpacked = flate2::read::GzDecoder::new(&bytes[..]);
    std::io::Read::read_to_string(&mut unpacked, &mut text).unwrap();
    assert_eq!(text, plain.body);
    assert!(bytes.len() < text.len() / 2);
    for (server, path) in [
        ("authCheck: none", "/api/status"),
        ("address: 127.0.0.1, authCheck: none", config),
    ] {
        let (answer, _, plain) = packed(server, path).await;
        assert_eq!(answer.header("content-encoding"), "", "{server} {path}");
        assert_eq!(answer.body, plain.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sizes_are_bounded() {
    let console = Console::start().await;
    let long = format!("/api/status?filters={}", "a".repeat(49 << 10));
    assert_eq!(console.get(&long).await.status, StatusCode::URI_TOO_LONG);
    let body = "x".repeat((2 << 20) + 1);
    let answer = console
        .send(
            Request::post("/api/status").header("host", "localhost"),
            &body,
        )
        .await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    // Without a length that tells it beforehand.
    let chunks = (0..5).fold(String::new(), |sent, _| {
        sent + &format!("{:x}\r\n{}\r\n", 1 << 19, "x".repeat(1 << 19))
    });
    let mut stream = tokio::net::TcpStream::connect(console.page())
        .await
        .unwrap();
    let head = "POST /api/status HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\nconnection: close";
    let request = format!("{head}\r\n\r\n{chunks}0\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    let text = console.metrics().await;
    for (reason, count) in [("uri_length", 1), ("body_size", 2)] {
        assert!(
            text.contains(&format!(
                "requests_refused_total{{reason=\"{reason}\"}} {count}"
            )),
            "{reason}"
        );
    }
    // The server may close before all of a head that is too large is sent.
    for (head, status) in [
        (
            format!(
                "GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n",
                "a".repeat(70 << 10)
            ),
            "HTTP/1.1 414",
        ),
        (
            format!(
                "GET / HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n",
                "a".repeat(2 << 20)
            ),
            "HTTP/1.1 431",
        ),
    ] {
        let mut stream = tokio::net::TcpStream::connect(console.page())
            .await
            .unwrap();
        let _ = stream.write_all(head.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || answer.starts_with(status), "{answer}");
    }
    // Counted when the connection has ended, which its client may see first.
    let started = std::time::Instant::now();
    let expected = "requests_refused_total{reason=\"head_size\"} 2";
    while !console.metrics().await.contains(expected) {
        assert!(started.elapsed().as_secs() < 60, "heads are not counted");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_passes_where_nobody_may() {
    let console = Console::start_with("address: 127.0.0.1, authCheck: denyAll", "").await;
    for path in [
        "/api/status",
        "/api/frontend-config",
        "/api/loki/flow/records",
        "/api/losses",
        "/api/loki/metrics",
    ] {
        let answer = console.get(path).await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (StatusCode::UNAUTHORIZED, "deny all auth mode selected")
        );
    }
    assert_eq!(console.get("/role").await.body, "dev");
    assert_eq!(console.get("/").await.status, StatusCode::OK);
    assert_eq!(Console::start().await.get("/role").await.body, "admin");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_outside_the_page_stay_outside() {
    let console = Console::start().await;
    std::fs::write(console.folder.path().join("secret.txt"), "secret").unwrap();
    for path in [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/static/../../secret.txt",
        "/%2e%2e%2fsecret.txt",
        "/..%5csecret.txt",
        "//etc/passwd",
        "/.//../secret.txt",
    ] {
        let answer = console.get(path).await;
        assert!(!answer.body.contains("secret"), "{path}: {}", answer.body);
        assert!(!answer.body.contains("root:"), "{path}: {}", answer.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_served_with_its_headers() {
    let console = Console::start().await;
    let pages = console.pages();
    std::fs::create_dir(pages.join("static")).unwrap();
    std::fs::write(pages.join("static/main.3f9c2a1b7d.js"), "plain").unwrap();
    std::fs::write(pages.join("static/main.3f9c2a1b7d.js.gz"), "packed").unwrap();
    for path in [
        "/",
        "/netflow-traffic",
        "/console-anything/x?y=1",
        "/static/",
    ] {
        let answer = console.get(path).await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (StatusCode::OK, "<html>page</html>"),
            "{path}"
        );
        assert_eq!(answer.header("cache-control"), "no-cache", "{path}");
        assert!(
            answer
                .header("content-security-policy")
                .contains("script-src 'self';"),
            "{path}"
        );
    }
    let request = Request::get("/static/main.3f9c2a1b7d.js").header("host", "localhost");
    let answer = console
        .send(request.header("accept-encoding", "gzip"), "")
        .await;
    assert_eq!(
        (answer.body.as_str(), answer.header("content-encoding")),
        ("packed", "gzip")
    );
    assert_eq!(
        answer.header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    for path in ["/missing.js", "/static/none.css", "/api/nothing", "/api"] {
        assert_eq!(
            console.get(path).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    std::fs::remove_file(pages.join("index.html")).unwrap();
    let answer = console.get("/").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.body.contains("npm run build"), "{}", answer.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_source_answers_as_a_ready_loki() {
    let one_host = std::fs::read_to_string("config/onehost-frontend.yaml").unwrap();
    let console = Console::start_with("address: 127.0.0.1, authCheck: none", &one_host).await;
    assert_eq!(console.get("/api/loki/ready").await.body, "ready\n");
    assert!(
        console
            .get("/api/loki/metrics")
            .await
            .body
            .contains("netobserv_")
    );
    assert_eq!(
        console.get("/api/loki/buildinfo").await.json()["version"],
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(
        console.get("/api/loki/config/limits").await.json()["max_entries_limit_per_query"],
        50_000
    );
    let config = console.get("/api/frontend-config").await.json();
    assert_eq!(config["dataSources"], json!(["loki"]));
    assert_eq!(config["lokiMocks"], false);
    assert!(
        config["lokiLabels"]
            .as_array()
            .unwrap()
            .contains(&json!("FlowDirection"))
    );
    assert_eq!(config["scopes"][0]["id"], "subnet");
    assert_eq!(config["portNaming"]["portNames"]["3100"], "loki push");
    let column = &config["columns"][0];
    assert_eq!(
        (&column["id"], &column["field"]),
        (&json!("StartTime"), &json!("TimeFlowStartMs"))
    );
    assert!(
        config["fields"][0]["description"]
            .as_str()
            .is_some_and(|text| !text.is_empty())
    );
    let answer = console.get("/api/k8s/resources/udnIds").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    let losses = console.get("/api/losses?timeRange=60").await.json();
    assert_eq!(
        losses,
        json!({"losses": [], "intervals": [], "unaccounted": [], "neverSeen": [], "components": []})
    );
}
