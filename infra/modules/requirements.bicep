// What options ask of each other. A value that is not allowed ends the deployment before it makes
// anything, with the name of the parameter below; `fail` would say it better, and checkov cannot read it.

@allowed([
  true
])
@description('Whether there is the network that FANOUT_ALLOWED_IPS is about; without VNET_ENABLED=true everything is open, and stays so.')
param allowedIpsHaveNetwork bool

@allowed([
  true
])
@description('Whether there is the network that FANOUT_NAT_GATEWAY is a part of: VNET_ENABLED=true.')
param natGatewayHasNetwork bool

@description('Whether all of them are met; they are where this is read.')
output areMet bool = allowedIpsHaveNetwork && natGatewayHasNetwork
