import { testFaults } from "@coord/testkit";
import { zookeeperSubject } from "./subject.js";

testFaults(zookeeperSubject({ ttl: 1_500, heartbeat: 250 }));
