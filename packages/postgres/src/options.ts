import type { OptionSpec } from "@coord/core/driver";

const ours = {
  namespace: {
    type: "string",
    help: "what keys and channels are made of besides names; coord by default",
  },
  sequence: {
    type: "string",
    help: "the sequence that tokens come from, as schema.name; public.coord_token by default",
  },
  fencing: {
    type: "string",
    values: ["sequence", "xid"],
    help: "xid: tokens are numbers of transactions, where the role may have no sequence",
  },
  max_holds: {
    type: "integer",
    min: 1,
    help: "how many locks a coordinator holds and waits for at most; a quarter of the server's lock table by default",
  },
} as const satisfies OptionSpec;

const tooz = {
  dbname: { type: "string", help: "the database, instead of the URL's path" },
  host: {
    type: "string",
    help: "the servers, with commas between, or a socket's folder, instead of the URL's",
  },
  port: { type: "string", help: "their ports, with commas between, instead of the URL's" },
  lock_timeout: {
    type: "seconds",
    min: 0.1,
    help: "how long the server keeps what is held for a client it does not hear",
  },
} as const satisfies OptionSpec;

const libpq = {
  user: { type: "string", help: "who we are, instead of the URL's" },
  password: { type: "string", secret: true, help: "our password, instead of the URL's" },
  passfile: { type: "string", help: "the file of passwords; ~/.pgpass by default" },
  connect_timeout: {
    type: "seconds",
    min: 0.01,
    help: "how long connecting to one server may take; 5 at most by default, less where there are several to try",
  },
  target_session_attrs: {
    type: "string",
    values: ["any", "read-write", "primary"],
    help: "which of several servers; always one that can be written to",
  },
  sslmode: {
    type: "string",
    values: ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"],
    help: "whether to use TLS, and what to check; by default prefer, or verify-full with sslrootcert=system",
  },
  sslrootcert: {
    type: "string",
    help: "a file of certificates to trust, without which nothing can be verified; system for Node's, with verify-full only",
  },
  sslcert: { type: "string", help: "the file of our own certificate" },
  sslkey: { type: "string", help: "the file of our certificate's key" },
} as const satisfies OptionSpec;

/** The options of the URLs: Tooz's, libpq's, and ours. */
export const options = { ...ours, ...tooz, ...libpq };
