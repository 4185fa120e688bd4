import type { OptionSpec } from "@coord/core/driver";

const ours = {
  client: {
    type: "string",
    values: ["javascript", "native"],
    help: "the library that speaks with the servers: node-zookeeper-client, or the optional zookeeper; javascript by default",
  },
  keep_parents: {
    type: "boolean",
    help: "whether nodes of locks that nobody uses stay, as programs with kazoo need them; with kazoo: they do",
  },
} as const satisfies OptionSpec;

const tooz = {
  namespace: { type: "string", help: "the node under which all others are; coord by default" },
  timeout: {
    type: "seconds",
    min: 0.1,
    help: "what to ask for as the session's timeout, which the server may change; else the coordinator's ttl",
  },
  hosts: { type: "list", help: "another server, as host:port" },
  randomize_hosts: {
    type: "boolean",
    help: "whether servers are tried in random order, as they are by default",
  },
  use_ssl: { type: "boolean", help: "whether to use TLS" },
  verify_certs: {
    type: "boolean",
    help: "whether the server's certificate and name are checked, as they are by default",
  },
  ca: { type: "string", help: "a file of certificates to trust instead of Node's" },
  certfile: { type: "string", help: "the file of our own certificate" },
  keyfile: { type: "string", help: "the file of our certificate's key" },
  keyfile_password: { type: "string", secret: true, help: "the password of that file" },
} as const satisfies OptionSpec;

const meaningless = {
  connection_retry: { type: "string", help: "of kazoo; here core tries again", ignored: true },
  command_retry: {
    type: "string",
    help: "of kazoo; here a question without an answer is ambiguous, and settled as such",
    ignored: true,
  },
  handler: {
    type: "string",
    help: "how kazoo runs its threads; here are none",
    ignored: true,
  },
} as const satisfies OptionSpec;

/** The options of the URLs: Tooz's names and seconds, and ours. */
export const options = { ...ours, ...tooz, ...meaningless };
