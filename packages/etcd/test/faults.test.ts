import { testFaults } from "@coord/testkit";
import { etcdSubject } from "./subject.js";

testFaults(etcdSubject({ ttl: 1_000, heartbeat: 200 }));
