// A server with requirepass: what an unauthenticated connection may do, AUTH and HELLO AUTH.

import { family } from '../support/family.ts';

// The runner's own connections use the password too; so it is set by each sentence, not at start.
const PASSWORD = { config: { requirepass: 'secret' } };
const NOAUTH = '-NOAUTH Authentication required.';
const WRONGPASS = '-WRONGPASS invalid username-password pair or user is disabled.';

family('requirepass', [
  [
    'a new connection must authenticate first',
    `
      @new GET k => ${NOAUTH}
      @new PING => ${NOAUTH}
      @new SELECT 1 => ${NOAUTH}
      @new CLIENT ID => ${NOAUTH}
      @new COMMAND => ${NOAUTH}
      @new nosuch => /^ERR unknown command 'nosuch'/
      @new GET => -ERR wrong number of arguments for 'get' command
      @new AUTH secret => +OK
      @new PING => +PONG
    `,
    { ...PASSWORD, resp: 2 },
  ],
  [
    'AUTH takes the password alone or with the user default',
    `
      @new AUTH wrong => ${WRONGPASS}
      @new PING => ${NOAUTH}
      @new AUTH default wrong => ${WRONGPASS}
      @new AUTH nosuch secret => ${WRONGPASS}
      @new AUTH "" => ${WRONGPASS}
      @new AUTH secre => ${WRONGPASS}
      @new AUTH secrets => ${WRONGPASS}
      @new AUTH default secret => +OK
      @new AUTH wrong => ${WRONGPASS}
      @new PING => +PONG
    `,
    { ...PASSWORD, resp: 2 },
  ],
  [
    'HELLO authenticates and may then switch the protocol',
    `
      @new HELLO 3 => /^NOAUTH HELLO must be called with the client already authenticated, /
      @new HELLO 3 AUTH default wrong => ${WRONGPASS}
      @new PING => ${NOAUTH}
      @new HELLO 2 AUTH default secret SETNAME me => <array>
      @new CLIENT GETNAME => "me"
    `,
    { ...PASSWORD, resp: 2 },
  ],
  [
    'HELLO without AUTH tells how to authenticate',
    `
      @new HELLO 3
      => -NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO
      => AUTH <user> <pass> option can be used to authenticate the client and select the RESP
      => protocol version at the same time
    `,
    { ...PASSWORD, resp: 2, before: '7.2' },
  ],
  [
    'HELLO without AUTH tells how to authenticate, the version included',
    `
      @new HELLO
      => -NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO
      => <proto> AUTH <user> <pass> option can be used to authenticate the client and select the
      => RESP protocol version at the same time
    `,
    { ...PASSWORD, resp: 2, since: '7.2' },
  ],
  [
    'QUIT and RESET work before AUTH; RESET asks for it again',
    `
      @new RESET => +RESET
      @new AUTH secret => +OK
      @new PING => +PONG
      @new RESET => +RESET
      @new PING => ${NOAUTH}
      @new QUIT => +OK
      @new closed
    `,
    { ...PASSWORD, resp: 2 },
  ],
  [
    'connections from before the password was set stay authenticated',
    `
      PING => +PONG
      CONFIG GET requirepass => {"requirepass": ""}
      CONFIG SET requirepass secret => +OK
      PING => +PONG
      @new PING => ${NOAUTH}
      CONFIG GET requirepass => {"requirepass": "secret"}
      CONFIG SET requirepass "" => +OK
      @later PING => +PONG
    `,
    { resp: 2 },
  ],
]);
