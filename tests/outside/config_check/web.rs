//! The file of `--web.config.file`.

use super::Checks;

const FILES: [&str; 22] = [
    "",
    "{}\n",
    "5\n",
    "- a\n",
    "a: [\n",
    "no_such_key: 1\n",
    "basic_auth_users: {}\n",
    "basic_auth_users:\n  prometheus: $2y$10$hpAAa3DdsxhVtrZ3/rmVeeoJyIs7Q7P7JMl5D.8ulyq3B5jSvMFR.\n",
    "basic_auth_users:\n  prometheus: secret\n",
    "basic_auth_users:\n  prometheus: 5\n",
    "basic_auth_users: [a]\n",
    "http_server_config:\n  http2: true\n",
    "http_server_config:\n  http2: false\n",
    "http_server_config:\n  headers:\n    X-Frame-Options: deny\n",
    "http_server_config:\n  headers:\n    X-Unheard-Of: 1\n",
    "tls_server_config: {}\n",
    "tls_server_config:\n  cert_file: none.crt\n",
    "tls_server_config:\n  cert_file: none.crt\n  key_file: none.key\n",
    "tls_server_config:\n  cert_file: none.crt\n  key_file: none.key\n  min_version: TLS10\n",
    "tls_server_config:\n  cert_file: none.crt\n  key_file: none.key\n  cipher_suites: [TLS_NULL]\n",
    "tls_server_config:\n  cert_file: none.crt\n  key_file: none.key\n  client_auth_type: Sometimes\n",
    "rate_limit:\n  interval: 1s\n  burst: 20\n",
];

#[test]
fn web_configurations() {
    let mut checks = Checks::new();
    for text in FILES {
        checks.check("a web configuration", &[("web.yml", text)], &["--web.config.file", "web.yml"]);
    }
    checks.freeze("config/web.txt");
}
