import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Certificates of an authority that only the test trusts, for a server at 127.0.0.1 and for a client:
 * files in PEM, in a folder of their own that is gone with this. Needs `openssl`.
 */
export class Certificates implements Disposable {
  /** Where the files are. */
  readonly folder: string = mkdtempSync(join(tmpdir(), "coord-certificates-"));
  /** The authority's certificate. */
  readonly ca: string = join(this.folder, "ca.pem");

  constructor() {
    const days = ["-days", "2"];
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    this.#run(
      "req",
      "-x509",
      ...key,
      ...days,
      "-subj",
      "/CN=ca",
      "-keyout",
      "ca.key",
      "-out",
      "ca.pem",
    );
    writeFileSync(join(this.folder, "names"), "subjectAltName=IP:127.0.0.1,DNS:localhost");
    for (const name of ["server", "client"]) {
      const files = ["-keyout", `${name}.key`, "-out", `${name}.csr`];
      this.#run("req", ...key, "-subj", `/CN=${name}`, ...files);
      const by = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names"];
      this.#run("x509", "-req", "-in", `${name}.csr`, ...by, ...days, "-out", `${name}.pem`);
    }
  }

  /** The file of a certificate. */
  cert(name: "server" | "client"): string {
    return join(this.folder, `${name}.pem`);
  }

  /** The file of its key. */
  key(name: "server" | "client"): string {
    return join(this.folder, `${name}.key`);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true });
  }

  #run(...args: string[]): void {
    execFileSync("openssl", args, { cwd: this.folder, stdio: "pipe" });
  }
}
