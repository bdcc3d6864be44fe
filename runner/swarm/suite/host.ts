// What hooks and tests may reach of their run: the services of the deployed app and of the apps that it needs, nothing
// else.

import type { AppRecipe } from '../../../state/entry/recipe.ts';
import { RunnerError } from '../../box/errors.ts';
import type { AdmittedApp, AppHost, RunNames, Stack } from '../app/app.ts';
import { needHost } from '../compose/versions.ts';

const logLines = 500;

export type HostOptions = {
  names: RunNames;
  recipe: AppRecipe;
  needs: readonly { name: string; app: AdmittedApp; stack: Stack }[];
  /** By key in the compose file. */
  secrets: ReadonlyMap<string, string>;
  current(): { app: AdmittedApp; stack: Stack };
};

export function appHost({ names, needs, secrets, current }: HostOptions): AppHost {
  /** A service may be named as in the compose file, or as on the network that the run's apps share. */
  function placeOf(service: string): { stack: Stack; service: string } {
    const { app, stack } = current();
    const short = service.startsWith(`${names.stack}_`) ? service.slice(names.stack.length + 1) : service;
    if (Object.hasOwn(app.services, short)) return { stack, service: short };
    for (const need of needs) {
      const prefix = `${names.stack}-${need.name}_`;
      const neededService = service.startsWith(prefix) ? service.slice(prefix.length) : '';
      if (Object.hasOwn(need.app.services, neededService)) return { stack: need.stack, service: neededService };
    }
    throw new RunnerError('bad-request', `no service of this run is called ${service}`);
  }

  return {
    about() {
      const { app } = current();
      return {
        run: names.run,
        stack: names.stack,
        domain: names.domain,
        version: app.version,
        env: app.env,
        services: [
          ...Object.keys(app.services),
          ...Object.keys(app.services).map((service) => `${names.stack}_${service}`),
          ...needs.flatMap((need) =>
            Object.keys(need.app.services).map((service) => `${names.stack}-${need.name}_${service}`),
          ),
        ],
        needs: Object.fromEntries(
          needs.map((need) => [need.name, { host: needHost(names, need.name), env: need.app.env }]),
        ),
      };
    },
    exec(service, ask) {
      const place = placeOf(service);
      return place.stack.exec(place.service, ask);
    },
    connect(service, port) {
      const place = placeOf(service);
      return place.stack.connect(place.service, port);
    },
    logs(service) {
      const place = placeOf(service);
      return place.stack.logs(place.service, logLines);
    },
    secret: (key) => secrets.get(key) ?? null,
  };
}
