# takes a port below 1024, where others expect the machine itself
wall='no capability'
caps=net_bind_service
attack() { perl -MSocket -e 'socket(S, AF_INET, SOCK_STREAM, 0); bind(S, pack_sockaddr_in(25, INADDR_LOOPBACK)) or die "$!\n"'; }
