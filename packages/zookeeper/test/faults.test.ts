import { testFaults } from "@coord/testkit";
import { zookeeperSubject } from "./subject.js";

testFaults(zookeeperSubject({ ttl: 2_000, heartbeat: 300 }));
