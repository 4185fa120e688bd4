import { InterceptingCall, type Interceptor } from "@grpc/grpc-js";
import { isOldToken } from "./failures.js";

/** A request that was not done because of its token. By its own words etcd3 would ask again, and again. */
export const oldToken = "coord: the token is of no use any more";

/** Puts a token into every request. */
export function withToken(token: () => string): Interceptor {
  return (options, nextCall) =>
    new InterceptingCall(nextCall(options), {
      start(metadata, _, next) {
        metadata.set("token", token());
        next(metadata, {
          onReceiveStatus(status, pass) {
            pass(isOldToken(status.details) ? { ...status, details: oldToken } : status);
          },
        });
      },
    });
}
