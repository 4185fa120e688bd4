import { testContract } from "@coord/testkit";
import { zookeeperSubject } from "./subject.js";

testContract(zookeeperSubject(undefined));
