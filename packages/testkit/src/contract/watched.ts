import type { AcquireRequest, Busy, Driver, Grant, Session } from "@coord/core/driver";

/** What a watched driver did. */
export interface Watched {
  readonly driver: Driver;
  /** Calls of `release()` that reached the driver, with what they answered. */
  readonly releases: ("released" | "gone")[];
  /** Makes calls of `release()` reject, after the driver did its work. */
  failReleases: Error | undefined;
}

/** The driver, with an eye on what core asks of it. */
export function watch(driver: Driver): Watched {
  const watched: Watched = {
    releases: [],
    failReleases: undefined,
    driver: {
      ...driver,
      open: async (url, context) => watchSession(await driver.open(url, context), watched),
    },
  };
  return watched;
}

function watchSession(session: Session, watched: Watched): Session {
  const acquire = async (request: AcquireRequest): Promise<Grant | Busy> => {
    const answer = await session.acquire(request);
    return "busy" in answer ? answer : watchGrant(answer, watched);
  };
  return new Proxy(session, {
    get: (target, key) => {
      if (key === "acquire") return acquire;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

function watchGrant(grant: Grant, watched: Watched): Grant {
  return {
    token: grant.token,
    lease: grant.lease,
    lost: grant.lost,
    release: async (signal) => {
      const answer = await grant.release(signal);
      watched.releases.push(answer);
      if (watched.failReleases) throw watched.failReleases;
      return answer;
    },
  };
}
