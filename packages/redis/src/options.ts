import type { OptionSpec } from "@coord/core/driver";

const ours = {
  restart_delay: {
    type: "boolean",
    help: "grant nothing on a server that started less than a ttl ago: it may have forgotten who holds what",
  },
} as const satisfies OptionSpec;

const tooz = {
  namespace: { type: "string", help: "what the keys begin with; coord by default" },
  timeout: {
    type: "seconds",
    min: 0.1,
    help: "lock_timeout, where that is not given; else the coordinator's ttl",
  },
  lock_timeout: {
    type: "seconds",
    min: 0.1,
    help: "how long the server keeps what is held for a client it does not hear",
  },
  db: { type: "integer", min: 0, help: "the number of the database; else the URL's path" },
  socket_timeout: {
    type: "seconds",
    min: 0.01,
    help: "how long an answer may take; a quarter of the ttl by default, 2 at most",
  },
  socket_connect_timeout: {
    type: "seconds",
    min: 0.01,
    help: "how long connecting may take; socket_timeout by default",
  },
  ssl: { type: "boolean", help: "whether to use TLS, as rediss: does" },
  ssl_ca_certs: { type: "string", help: "a file of certificates to trust instead of Node's" },
  ssl_certfile: { type: "string", help: "the file of our own certificate" },
  ssl_keyfile: { type: "string", help: "the file of our certificate's key" },
  sentinel: {
    type: "string",
    help: "the name of the group of servers; the URL's hosts are Sentinels then",
  },
  sentinel_fallback: { type: "list", help: "another Sentinel, as host:port" },
  sentinel_username: { type: "string", help: "who we are to the Sentinels" },
  sentinel_password: { type: "string", secret: true, help: "the password for the Sentinels" },
  sentinel_ssl: { type: "boolean", help: "whether to speak TLS with the Sentinels" },
} as const satisfies OptionSpec;

const meaningless = {
  membership_timeout: {
    type: "seconds",
    help: "Tooz's time after which a group's member counts as gone",
    ignored: true,
  },
  executor: {
    type: "string",
    help: "how Tooz runs its calls; here nothing blocks",
    ignored: true,
  },
  encoding: { type: "string", help: "of strings in redis-py; here it is UTF-8", ignored: true },
  retry_on_timeout: {
    type: "boolean",
    help: "of redis-py; here a question without an answer is ambiguous, and settled as such",
    ignored: true,
  },
  socket_keepalive: { type: "boolean", help: "of redis-py; here beats do that", ignored: true },
  health_check_interval: {
    type: "seconds",
    help: "of redis-py; here every beat is such a check",
    ignored: true,
  },
} as const satisfies OptionSpec;

/** The options of the URLs: Tooz's names and seconds, and ours. */
export const options = { ...ours, ...tooz, ...meaningless };
