import type { OptionSpec } from "@coord/core/driver";

const ours = {
  namespace: { type: "string", help: "what the keys begin with; coord by default" },
  request_timeout: {
    type: "seconds",
    min: 0.01,
    help: "how long an answer may take; a quarter of the ttl by default, 2 at most",
  },
  connect_timeout: {
    type: "seconds",
    min: 0.01,
    help: "how long each of a member's first answers may take; request_timeout by default, at least 1",
  },
} as const satisfies OptionSpec;

const tooz = {
  timeout: {
    type: "seconds",
    min: 0.1,
    help: "lock_timeout, where that is not given; else the coordinator's ttl",
  },
  lock_timeout: {
    type: "seconds",
    min: 0.1,
    help: "how long the server keeps what is held for a client it does not hear; in whole seconds",
  },
  ca_cert: { type: "string", help: "a file of certificates to trust instead of Node's" },
  cert_cert: { type: "string", help: "the file of our own certificate" },
  cert_key: { type: "string", help: "the file of our certificate's key" },
} as const satisfies OptionSpec;

const meaningless = {
  api_version: {
    type: "string",
    help: "of Tooz's way by JSON; here etcd is spoken to by gRPC",
    ignored: true,
  },
  membership_timeout: {
    type: "seconds",
    help: "Tooz's time after which a group's member counts as gone",
    ignored: true,
  },
} as const satisfies OptionSpec;

/** The options of the URLs: Tooz's names and seconds, and ours. */
export const options = { ...ours, ...tooz, ...meaningless };
