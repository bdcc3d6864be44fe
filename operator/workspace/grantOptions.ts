// The options that grant something: `--tool node=/opt/node --host example.org --docker /var/run/docker.sock`.

import { resolve } from 'node:path';
import { ToolGrant } from '../../state/trail/workspace.ts';
import { UsageError } from '../terminal/errors.ts';
import type { RequestedGrants } from './grants.ts';

type Options = { tool?: string[]; host?: string[]; docker?: string };

/** Throws UsageError if a tool is not written as `name=folder`, or a host not as `name` or `name:port`. */
export function grantOptions({ tool = [], host = [], docker }: Options): RequestedGrants {
  return {
    tools: tool.map(toolGrant),
    hosts: host.map(checkedHost),
    ...(docker !== undefined && { docker: resolve(docker) }),
  };
}

function toolGrant(text: string): ToolGrant {
  const [name = '', ...rest] = text.split('=');
  const grant = ToolGrant.safeParse({ name, path: resolve(rest.join('=')) });
  if (rest.length > 0 && grant.success) return grant.data;
  throw new UsageError(`--tool ${text}: write a tool as name=/its/folder`);
}

function checkedHost(text: string): string {
  if (/^[A-Za-z0-9.-]+(:\d+)?$/.test(text)) return text;
  throw new UsageError(`--host ${text}: write a host as example.org or example.org:8080`);
}
