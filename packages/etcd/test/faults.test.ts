import { testFaults } from "@coord/testkit";
import { etcdSubject } from "./subject.js";

testFaults(etcdSubject({ ttl: 2_000, heartbeat: 300 }));
