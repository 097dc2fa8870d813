# puts an answer in its outbox that nobody recorded
wall='owner of the outbox; read-only in the cage'
open_unit="ReadWritePaths=+$mine/outbox"
attack() { put "$mine/outbox/forged.response"; }
open() { loosen "$mine/outbox"; }
